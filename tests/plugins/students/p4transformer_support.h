// SPDX-License-Identifier: Apache-2.0
// What the tests of both forms of P4Transformer share.
#pragma once

#include "core/tensorio/safetensors.h"
#include "core/tensorio/torch_view.h"

#include <cross4d/sdk/student.h>

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace cross4d::p4transformer {

inline std::int64_t CountParameters(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const torch::Tensor& p : module.parameters()) count += p.numel();
  return count;
}

inline StudentInput Stack(const Student& student, const std::vector<torch::Tensor>& clips) {
  std::vector<torch::Tensor> centres, frames;
  std::map<std::string, std::vector<torch::Tensor>> extra;
  for (const torch::Tensor& clip : clips) {
    const TokenGeometry g = student.Tokenize(clip);
    centres.push_back(g.centres);
    frames.push_back(g.frames);
    for (const auto& [name, tensor] : g.extra) extra[name].push_back(tensor);
  }
  StudentInput input{at::stack(clips), at::stack(centres), at::stack(frames), {}};
  for (const auto& [name, list] : extra) input.extra[name] = at::stack(list);
  return input;
}

inline double Difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>() / std::max(1e-3, b.abs().max().item<double>());
}

/// Writes the student's parameters and buffers, each name behind `prefix`, and `more`.
inline std::string WriteWeights(const std::filesystem::path& file,
                                const torch::nn::Module& student,
                                const std::string& prefix,
                                const std::map<std::string, torch::Tensor>& more) {
  std::map<std::string, torch::Tensor> tensors = more;
  for (const auto& item : student.named_parameters())
    tensors[prefix + item.key()] = item.value().detach();
  for (const auto& item : student.named_buffers()) tensors[prefix + item.key()] = item.value();
  std::vector<tensorio::TensorDecl> declared;
  for (const auto& [name, tensor] : tensors) declared.push_back(tensorio::Declare(name, tensor));
  tensorio::SafetensorsWriter writer(file, declared);
  for (const auto& [name, tensor] : tensors) writer.Write(name, tensorio::BytesOf(tensor));
  writer.Finish();
  return file.string();
}

}  // namespace cross4d::p4transformer
