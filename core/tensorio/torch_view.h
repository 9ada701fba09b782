// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensorio/safetensors.h"

#include <cross4d/sdk/error.h>

#include <torch/types.h>

#include <memory>
#include <span>
#include <string>

/// Tensors on safetensors files; header only, so that the library itself stays free of LibTorch.
namespace cross4d::tensorio {

inline torch::ScalarType ToScalarType(DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return torch::kBool;
    case DType::kU8:
      return torch::kUInt8;
    case DType::kI16:
      return torch::kInt16;
    case DType::kI32:
      return torch::kInt32;
    case DType::kI64:
      return torch::kInt64;
    case DType::kF16:
      return torch::kFloat16;
    case DType::kBF16:
      return torch::kBFloat16;
    case DType::kF32:
      return torch::kFloat32;
    case DType::kF64:
      return torch::kFloat64;
  }
  throw Error(ErrorCode::kInternal, "unknown dtype");
}

inline DType FromScalarType(torch::ScalarType type) {
  for (DType d : {DType::kBool,
                  DType::kU8,
                  DType::kI16,
                  DType::kI32,
                  DType::kI64,
                  DType::kF16,
                  DType::kBF16,
                  DType::kF32,
                  DType::kF64}) {
    if (ToScalarType(d) == type) return d;
  }
  throw Error(ErrorCode::kInput,
              std::string("safetensors has no dtype for ") + torch::toString(type));
}

/// A read-only view on the mapped bytes; keeps the file open. Writing to it crashes: clone() first.
inline torch::Tensor View(const std::shared_ptr<const SafetensorsFile>& file,
                          std::string_view name) {
  const TensorInfo& info = file->Get(name);
  void* data = const_cast<std::byte*>(file->Bytes(info).data());
  return torch::from_blob(
      data, info.shape, [file](void*) {}, ToScalarType(info.dtype));
}

inline TensorDecl Declare(std::string name, const torch::Tensor& tensor) {
  return {std::move(name), FromScalarType(tensor.scalar_type()), tensor.sizes().vec()};
}

/// Of a contiguous CPU tensor; lives as long as the tensor's storage.
inline std::span<const std::byte> BytesOf(const torch::Tensor& tensor) {
  TORCH_CHECK(tensor.is_contiguous() && tensor.device().is_cpu(),
              "tensor must be contiguous, on the CPU");
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

}  // namespace cross4d::tensorio
