// SPDX-License-Identifier: Apache-2.0
// Clips per second out of a pack, on one thread, copied into contiguous float32 tensors:
//   bench_pack FILE [ROUNDS]
// The first pass compares every checksum; the later ones are what training over epochs sees.
// `copy` reads the same bytes into one buffer, for comparison.
#include "core/data/pack.h"
#include "core/data/sources.h"

#include <cross4d/sdk/error.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

using cross4d::data::PackedDataset;

template <class F>
double ClipsPerSecond(std::int64_t clips, F&& read) {
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < clips; ++i) read(i);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return static_cast<double>(clips) / took.count();
}

int Run(const std::string& file, int rounds) {
  at::set_num_threads(1);
  const auto pack = PackedDataset::Open(file);
  const auto clips = static_cast<std::int64_t>(pack->clips().size());
  double sum = 0;  // keeps the copies from being left out
  const auto load = [&](std::int64_t i) {
    const torch::Tensor points = pack->Load(i).points;
    sum += points.const_data_ptr<float>()[points.numel() - 1];
  };
  const auto contract = [&](std::int64_t i) {
    const torch::Tensor points = cross4d::data::LoadClip(*pack, i, 0, 0).points;
    sum += points.const_data_ptr<float>()[points.numel() - 1];
  };
  const double first = ClipsPerSecond(clips, load);
  double warm = 0, checked = 0, copy = 0;
  std::vector<char> buffer(pack->Load(0).points.nbytes());
  const torch::Tensor source = pack->Load(0).points;
  for (int round = 0; round < rounds; ++round) {
    warm = std::max(warm, ClipsPerSecond(clips, load));
    checked = std::max(checked, ClipsPerSecond(clips, contract));
    copy = std::max(copy, ClipsPerSecond(clips, [&](std::int64_t) {
                      std::memcpy(buffer.data(), source.const_data_ptr(), buffer.size());
                      sum += buffer.back();
                    }));
  }
  std::printf(
      "{\"clips\": %lld, \"bytes_per_clip\": %zu, \"first_pass_per_s\": %.0f, "
      "\"warm_per_s\": %.0f, \"warm_checked_finite_per_s\": %.0f, "
      "\"memcpy_in_cache_per_s\": %.0f, \"sum\": %g}\n",
      static_cast<long long>(clips),
      buffer.size(),
      first,
      warm,
      checked,
      copy,
      sum);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) cross4d::FailInput("usage: bench_pack FILE [ROUNDS]");
    return Run(argv[1], argc > 2 ? std::stoi(argv[2]) : 3);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_pack: %s\n", e.what());
    return 2;
  }
}
