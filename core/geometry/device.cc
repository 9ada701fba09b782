// SPDX-License-Identifier: Apache-2.0
#include "core/geometry/device.h"

#include <cross4d/sdk/error.h>

#include <dlfcn.h>

namespace cross4d::geometry {
namespace {

constexpr const char* kLibrary = "libcross4d_geometry_cuda.so";

const CudaTable* Open(const std::string& folder) {
  const std::string path = folder.empty() ? kLibrary : folder + "/" + kLibrary;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error(ErrorCode::kEnvironment,
                "cannot open the CUDA geometry library " + path + ": " + dlerror() +
                    "; build with CROSS4D_CUDA=ON, or ask for the device cpu");
  }
  using Entry = const CudaTable* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(library, kCudaTableSymbol));
  const CudaTable* table = entry != nullptr ? entry() : nullptr;
  if (table == nullptr || table->version != kCudaTableVersion) {
    throw Error(ErrorCode::kEnvironment,
                path + ": table version " +
                    (table != nullptr ? std::to_string(table->version) : "missing") +
                    ", expected " + std::to_string(kCudaTableVersion) + "; rebuild it");
  }
  return table;
}

}  // namespace

const CudaTable& OpenCuda(const std::string& folder) {
  static const CudaTable* const table = Open(folder);
  return *table;
}

}  // namespace cross4d::geometry
