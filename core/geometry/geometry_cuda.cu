// SPDX-License-Identifier: Apache-2.0
// CUDA forms of farthest points, neighbours and splat. The arithmetic is that of kernels.h; what is
// here is who does which part. Compiled with --fmad=false.
#include "core/geometry/device.h"
#include "core/geometry/kernels.h"

#include <cuda_runtime.h>

namespace cross4d::geometry {
namespace {

using Key = unsigned long long;

constexpr int kThreads = 256;
constexpr std::int32_t kMostNeighbours = 64;

const char* LastError() {
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

unsigned Blocks(std::int64_t work) {
  return static_cast<unsigned>((work + kThreads - 1) / kThreads);
}

__device__ std::int64_t GlobalThread() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

/// The greatest key of the block, in every thread. Keys are unique but for zero.
__device__ Key BlockMax(Key key) {
  __shared__ Key warp_best[kThreads / 32];
  for (int step = 16; step > 0; step /= 2) {
    const Key other = __shfl_xor_sync(0xffffffffu, key, step);
    key = other > key ? other : key;
  }
  __syncthreads();
  if (threadIdx.x % 32 == 0) warp_best[threadIdx.x / 32] = key;
  __syncthreads();
  for (int w = 0; w < kThreads / 32; ++w) key = warp_best[w] > key ? warp_best[w] : key;
  return key;
}

/// One block per cloud; all clouds of a batch in one launch.
__global__ void FarthestKernel(
    const float* points, std::int32_t n, std::int32_t m, float* scratch, std::int32_t* picked) {
  const float* cloud = points + 3ll * n * blockIdx.x;
  float* distance = scratch + static_cast<std::int64_t>(n) * blockIdx.x;
  std::int32_t* out = picked + static_cast<std::int64_t>(m) * blockIdx.x;
  for (std::int32_t i = threadIdx.x; i < n; i += kThreads) distance[i] = INFINITY;
  std::int32_t pick = 0;
  for (std::int32_t round = 0; round < m; ++round) {
    if (threadIdx.x == 0) out[round] = round < n ? pick : out[round - n];
    if (round + 1 >= n) continue;
    const float* p = cloud + 3ll * pick;
    Key best = 0;
    for (std::int32_t i = threadIdx.x; i < n; i += kThreads) {
      const float* q = cloud + 3ll * i;
      distance[i] = kernels::NearerDistance(
          distance[i], kernels::SquaredDistance(q[0], q[1], q[2], p[0], p[1], p[2]));
      const Key key = kernels::OrderKey(distance[i], static_cast<std::uint32_t>(i));
      best = key > best ? key : best;
    }
    pick = kernels::KeyIndex(BlockMax(best));
  }
}

__global__ void NearestKernel(const float* points,
                              const float* queries,
                              std::int64_t rows,
                              std::int32_t n,
                              std::int32_t q,
                              std::int32_t k,
                              std::int32_t* neighbours) {
  const std::int64_t row = GlobalThread();
  if (row >= rows) return;
  const float* cloud = points + 3ll * n * (row / q);
  const float* query = queries + 3 * row;
  std::uint64_t keys[kMostNeighbours];
  std::int32_t count = 0;
  for (std::int32_t i = 0; i < n; ++i) {
    const float* p = cloud + 3ll * i;
    const float d = kernels::SquaredDistance(p[0], p[1], p[2], query[0], query[1], query[2]);
    count =
        kernels::InsertNearest(keys, count, k, kernels::OrderKey(d, static_cast<std::uint32_t>(i)));
  }
  for (std::int32_t j = 0; j < k; ++j) neighbours[row * k + j] = kernels::KeyIndex(keys[j % count]);
}

__global__ void BallKernel(const float* points,
                           const float* queries,
                           std::int64_t rows,
                           std::int32_t n,
                           std::int32_t q,
                           std::int32_t k,
                           float radius,
                           std::int32_t* neighbours,
                           std::int32_t* hits) {
  const std::int64_t row = GlobalThread();
  if (row >= rows) return;
  const std::int32_t found = kernels::BallRow(
      points + 3ll * n * (row / q), n, queries + 3 * row, radius, k, neighbours + row * k);
  if (hits != nullptr) hits[row] = found;
}

__global__ void SplatKernel(const float* points,
                            std::int64_t total,
                            std::int32_t n,
                            Camera camera,
                            float radius,
                            Key* zbuffer,
                            std::int32_t* pixel) {
  const std::int64_t at = GlobalThread();
  if (at >= total) return;
  const Projection p = kernels::ProjectPoint(camera, points + 3 * at);
  pixel[at] = kernels::PixelOf(camera, p);
  const Key key = kernels::OrderKey(p.depth, static_cast<std::uint32_t>(at % n));
  Key* frame = zbuffer + at / n * (static_cast<std::int64_t>(camera.width) * camera.height);
  kernels::ForDiscPixels(
      camera, p, radius, [frame, key](std::int32_t i) { atomicMin(frame + i, key); });
}

__global__ void OwnersKernel(const Key* zbuffer,
                             std::int64_t total,
                             std::int64_t pixels,
                             std::int32_t n,
                             const std::int32_t* pixel,
                             std::uint8_t* visible) {
  const std::int64_t at = GlobalThread();
  if (at >= total || zbuffer[at] == ~Key{0}) return;
  const std::int64_t point = at / pixels * n + kernels::KeyIndex(zbuffer[at]);
  if (pixel[point] >= 0) visible[point] = 1;
}

__global__ void CentreKernel(const float* points,
                             std::int64_t total,
                             std::int32_t n,
                             Camera camera,
                             const Key* zbuffer,
                             const std::int32_t* pixel,
                             float tolerance,
                             std::uint8_t* visible) {
  const std::int64_t at = GlobalThread();
  if (at >= total) return;
  const std::int64_t pixels = static_cast<std::int64_t>(camera.width) * camera.height;
  const Projection p = kernels::ProjectPoint(camera, points + 3 * at);
  visible[at] = pixel[at] >= 0 && kernels::CentreVisible(zbuffer[at / n * pixels + pixel[at]],
                                                         static_cast<std::uint32_t>(at % n),
                                                         p.depth,
                                                         tolerance);
}

const char* FarthestPointsCuda(const float* points,
                               std::int64_t clouds,
                               std::int32_t n,
                               std::int32_t m,
                               float* scratch,
                               std::int32_t* picked,
                               void* stream) {
  FarthestKernel<<<static_cast<unsigned>(clouds), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      points, n, m, scratch, picked);
  return LastError();
}

const char* NearestNeighboursCuda(const float* points,
                                  const float* queries,
                                  std::int64_t clouds,
                                  std::int32_t n,
                                  std::int32_t q,
                                  std::int32_t k,
                                  std::int32_t* neighbours,
                                  void* stream) {
  if (k > kMostNeighbours) return "nearest neighbours: k is above 64";
  NearestKernel<<<Blocks(clouds * q), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      points, queries, clouds * q, n, q, k, neighbours);
  return LastError();
}

const char* BallQueryCuda(const float* points,
                          const float* queries,
                          std::int64_t clouds,
                          std::int32_t n,
                          std::int32_t q,
                          std::int32_t k,
                          float radius,
                          std::int32_t* neighbours,
                          std::int32_t* hits,
                          void* stream) {
  BallKernel<<<Blocks(clouds * q), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      points, queries, clouds * q, n, q, k, radius, neighbours, hits);
  return LastError();
}

const char* SplatCuda(const float* points,
                      std::int64_t frames,
                      std::int32_t n,
                      Camera camera,
                      float radius_px,
                      std::uint64_t* zbuffer,
                      std::int32_t* pixel,
                      void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  const std::int64_t pixels = static_cast<std::int64_t>(camera.width) * camera.height;
  cudaMemsetAsync(zbuffer, 0xff, frames * pixels * sizeof(Key), queue);
  SplatKernel<<<Blocks(frames * n), kThreads, 0, queue>>>(
      points, frames * n, n, camera, radius_px, reinterpret_cast<Key*>(zbuffer), pixel);
  return LastError();
}

const char* VisibleCuda(const float* points,
                        std::int64_t frames,
                        std::int32_t n,
                        Camera camera,
                        const std::uint64_t* zbuffer,
                        const std::int32_t* pixel,
                        std::int32_t rule,
                        float tolerance,
                        std::uint8_t* visible,
                        void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  const auto keys = reinterpret_cast<const Key*>(zbuffer);
  const std::int64_t pixels = static_cast<std::int64_t>(camera.width) * camera.height;
  if (rule == 0) {
    cudaMemsetAsync(visible, 0, frames * n, queue);
    OwnersKernel<<<Blocks(frames * pixels), kThreads, 0, queue>>>(
        keys, frames * pixels, pixels, n, pixel, visible);
  } else {
    CentreKernel<<<Blocks(frames * n), kThreads, 0, queue>>>(
        points, frames * n, n, camera, keys, pixel, tolerance, visible);
  }
  return LastError();
}

}  // namespace
}  // namespace cross4d::geometry

/// The one exported symbol; see device.h.
extern "C" __attribute__((visibility("default"))) const cross4d::geometry::CudaTable*
cross4d_geometry_cuda_table() {
  using namespace cross4d::geometry;
  static const CudaTable table = {kCudaTableVersion,
                                  FarthestPointsCuda,
                                  NearestNeighboursCuda,
                                  BallQueryCuda,
                                  SplatCuda,
                                  VisibleCuda};
  return &table;
}
