// SPDX-License-Identifier: Apache-2.0
// encode_bench DIR DTYPE THREADS: DINOv2 of folder DIR. Reads lines "BATCH SIDE" from standard
// input and answers each with the seconds of one forward pass; the last line is the peak memory in
// MiB.
#include "core/tensorio/checkpoint_torch.h"
#include "core/vit/vit_teacher.h"

#include <ATen/Parallel.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "plugins/teachers/dinov2/model.h"

int main(int argc, char** argv) {
  using namespace cross4d;
  if (argc != 4) {
    std::cerr << "usage: encode_bench DIR fp32|bf16 THREADS\n";
    return 2;
  }
  at::set_num_threads(std::atoi(argv[3]));
  const auto weights = tensorio::Checkpoint::Open(argv[1]);
  const bool bf16 = std::string(argv[2]) == "bf16";
  const vit::Placement placement{bf16 ? at::kBFloat16 : at::kFloat, at::kCPU};
  const auto model =
      dinov2::LoadModel(tensorio::Source<vit::WeightSource>(weights), weights->folder(), placement);
  std::int64_t batch = 0, side = 0;
  while (std::cin >> batch >> side) {
    const at::Tensor frames =
        at::randn({batch, 1, 3, side, side}, at::detail::createCPUGenerator(1));
    const auto start = std::chrono::steady_clock::now();
    const double sum = model.Forward(frames).hidden.sum().item<double>();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::cout << seconds.count() << " " << sum << std::endl;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::cout << "peak_mib " << usage.ru_maxrss / 1024 << std::endl;
  return 0;
}
