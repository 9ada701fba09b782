// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/geometry/camera.h"

#include <cstdint>
#include <string>

namespace cross4d::geometry {

inline constexpr const char* kCudaTableSymbol = "cross4d_geometry_cuda_table";
inline constexpr std::int32_t kCudaTableVersion = 1;

/// The CUDA forms, in the shared library cross4d_geometry_cuda. All pointers are device memory,
/// `stream` is a cudaStream_t. Each call queues work and returns nullptr, or the text of the CUDA
/// error. Results are those of the CPU forms, bit for bit. Inputs are not checked: the host checks
/// before it copies.
struct CudaTable {
  std::int32_t version = 0;  ///< kCudaTableVersion, checked on opening
  /// points [clouds, n, 3] -> picked [clouds, m]; scratch [clouds, n] float.
  const char* (*farthest_points)(const float* points,
                                 std::int64_t clouds,
                                 std::int32_t n,
                                 std::int32_t m,
                                 float* scratch,
                                 std::int32_t* picked,
                                 void* stream);
  /// points [clouds, n, 3], queries [clouds, q, 3] -> neighbours [clouds, q, k], k <= 64.
  const char* (*nearest_neighbours)(const float* points,
                                    const float* queries,
                                    std::int64_t clouds,
                                    std::int32_t n,
                                    std::int32_t q,
                                    std::int32_t k,
                                    std::int32_t* neighbours,
                                    void* stream);
  /// As BallQuery; hits [clouds, q] may be null.
  const char* (*ball_query)(const float* points,
                            const float* queries,
                            std::int64_t clouds,
                            std::int32_t n,
                            std::int32_t q,
                            std::int32_t k,
                            float radius,
                            std::int32_t* neighbours,
                            std::int32_t* hits,
                            void* stream);
  /// points [frames, n, 3] -> zbuffer [frames, H, W] of keys (depth bits << 32 | index, all ones =
  /// background), pixel [frames, n].
  const char* (*splat)(const float* points,
                       std::int64_t frames,
                       std::int32_t n,
                       Camera camera,
                       float radius_px,
                       std::uint64_t* zbuffer,
                       std::int32_t* pixel,
                       void* stream);
  /// visible [frames, n] from the z-buffer; rule 0 = kOwnsPixel, 1 = kCentreDepth with `tolerance`
  /// in world units.
  const char* (*visible)(const float* points,
                         std::int64_t frames,
                         std::int32_t n,
                         Camera camera,
                         const std::uint64_t* zbuffer,
                         const std::int32_t* pixel,
                         std::int32_t rule,
                         float tolerance,
                         std::uint8_t* visible,
                         void* stream);
};

/// Opens libcross4d_geometry_cuda.so beside `folder` or, if that is empty, on the loader's path,
/// once per process; it stays open. Error(kEnvironment) with the loader's text if it cannot be
/// opened or its version differs. Call it only when a CUDA device is asked for.
const CudaTable& OpenCuda(const std::string& folder = {});

}  // namespace cross4d::geometry
