// SPDX-License-Identifier: Apache-2.0
// bench_teachers FOLDER fp32|bf16 THREADS: DINOv2 of FOLDER. Reads lines "BATCH SIDE" from standard
// input and answers each with the wall and CPU seconds of one pass over that many random images.
#include "core/tensorio/checkpoint_torch.h"
#include "core/vit/vit_teacher.h"

#include <ATen/Parallel.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iostream>

#include "plugins/teachers/dinov2/model.h"

namespace {

using namespace cross4d;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

vit::VitTeacher Load(const char* folder, bool bf16) {
  const auto weights = tensorio::Checkpoint::Open(folder);
  const vit::Placement placement{bf16 ? at::kBFloat16 : at::kFloat, at::kCPU};
  return {
      dinov2::LoadModel(tensorio::Source<vit::WeightSource>(weights), weights->folder(), placement),
      {},
      0,
      ""};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: bench_teachers FOLDER fp32|bf16 THREADS\n";
    return 2;
  }
  at::set_num_threads(std::atoi(argv[3]));
  vit::VitTeacher teacher = Load(argv[1], std::string(argv[2]) == "bf16");
  std::int64_t batch = 0, side = 0;
  while (std::cin >> batch >> side) {
    const at::Tensor frames =
        at::randn({batch, 1, 3, side, side}, at::detail::createCPUGenerator(1));
    const double cpu = CpuSeconds();
    const auto start = std::chrono::steady_clock::now();
    const double sum = teacher.EncodeHidden(frames).abs().sum().item<double>();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::cout << seconds.count() << " " << CpuSeconds() - cpu << " " << sum << std::endl;
  }
  return 0;
}
