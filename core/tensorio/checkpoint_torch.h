// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensorio/checkpoint.h"
#include "core/tensorio/torch_view.h"

#include <ATen/ATen.h>

#include <cstring>
#include <memory>
#include <string>

/// Tensors of a checkpoint; header only, so that the library itself stays free of LibTorch.
namespace cross4d::tensorio {

/// A read-only view on the checkpoint's bytes; writing to it crashes. A tensor whose bytes are not
/// aligned to its element size is a copy.
inline at::Tensor LoadTensor(const Checkpoint& checkpoint, const std::string& name) {
  const TensorBytes read = checkpoint.Read(name);
  const CheckpointTensor& info = checkpoint.tensors().at(name);
  const at::ScalarType type = ToScalarType(info.dtype);
  const auto address = reinterpret_cast<std::uintptr_t>(read.bytes.data());
  if (read.bytes.empty() || address % DTypeSize(info.dtype) != 0) {
    at::Tensor copy = at::empty(info.shape, at::TensorOptions().dtype(type));
    if (!read.bytes.empty()) {
      std::memcpy(copy.mutable_data_ptr(), read.bytes.data(), read.bytes.size());
    }
    return copy;
  }
  return at::from_blob(
      const_cast<std::byte*>(read.bytes.data()),
      info.shape,
      [owner = read.owner](void*) {},
      at::TensorOptions().dtype(type));
}

/// The checkpoint as a kit's weight source: {where, names, load}.
template <class WeightSource>
WeightSource Source(std::shared_ptr<const Checkpoint> checkpoint) {
  return {checkpoint->path(), checkpoint->names(), [checkpoint](const std::string& name) {
            return LoadTensor(*checkpoint, name);
          }};
}

}  // namespace cross4d::tensorio
