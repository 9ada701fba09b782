// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/student.h>

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace cross4d::p4transformer {

/// The elements of a contiguous CPU tensor of type T.
template <class T>
std::span<T> Values(const torch::Tensor& tensor) {
  return {tensor.data_ptr<std::remove_const_t<T>>(), static_cast<std::size_t>(tensor.numel())};
}

/// Error(kInput) for a wrong shape or type, an empty clip, a coordinate that is not finite.
void CheckClip(const torch::Tensor& points);

/// Clips [..., T, N, 3] as the ball query and the network see them. `normalize`: centred on their
/// centroid and divided by their greatest radius.
torch::Tensor PrepareClips(const torch::Tensor& points, bool normalize);

/// What Tokenize left in `extra`; Error(kInput) if it is not there.
const torch::Tensor& Extra(const StudentInput& input, const std::string& name);

StudentInput OneClip(const StudentInput& input, std::int64_t clip);

/// In eval mode a clip's features must not depend on its batch, to the last bit; the shape of a
/// matrix product can change its rounding, so clips go through one by one. body(-1): all at once.
template <class Body>
torch::Tensor ByClip(std::int64_t clips, const Body& body) {
  if (clips == 1) return body(-1);
  std::vector<torch::Tensor> all;
  for (std::int64_t clip = 0; clip < clips; ++clip) all.push_back(body(clip));
  return at::cat(all);
}

}  // namespace cross4d::p4transformer
