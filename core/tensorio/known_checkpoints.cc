// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/known_checkpoints.h"

#include <array>

namespace cross4d::tensorio {
namespace {

// clang-format off
constexpr std::array<KnownCheckpoint, 26> kKnown = {{
    {"DINOv2-S", 223, 22'056'576},
    {"DINOv2-S with registers", 224, 22'058'112},
    {"DINOv2-B", 223, 86'580'480},
    {"DINOv2-B with registers", 224, 86'583'552},
    {"DINOv2-L", 439, 304'368'640},
    {"DINOv2-L with registers", 440, 304'372'736},
    {"DINOv2-g", 727, 1'136'480'768},
    {"DINOv2-g with registers", 728, 1'136'486'912},
    {"DINOv3-S", 211, 21'596'544},
    {"DINOv3-S+", 235, 28'692'864},
    {"DINOv3-B", 211, 85'660'416},
    {"DINOv3-L", 415, 303'129'600},
    {"DINOv3-H+", 615, 840'592'640},
    {"DINOv3-7B", 687, 6'716'035'072},
    {"V-JEPA 2 L", 587, 325'971'328},
    {"V-JEPA 2 H", 715, 653'930'880},
    {"V-JEPA 2 g", 843, 1'034'555'264},
    {"VideoMAE-base, pre-trained", 250, 94'210'944},
    {"VideoMAE-large, pre-trained", 550, 342'996'992},
    {"VideoMAE-base, Kinetics", 186, 86'534'800},
    {"VideoMAE-large, Kinetics", 366, 304'270'736},
    {"VideoMAE-huge, Kinetics", 486, 632'119'440},
    {"VideoMAEv2-B", 160, 86'227'200},
    {"VideoMAEv2-L", 316, 303'860'736},
    {"VideoMAEv2-H", 420, 631'607'040},
    {"VideoMAEv2-g", 524, 1'011'610'752},
}};
// clang-format on

}  // namespace

std::span<const KnownCheckpoint> KnownCheckpoints() { return kKnown; }

const KnownCheckpoint* FindKnown(const Checkpoint& checkpoint) {
  for (const KnownCheckpoint& known : kKnown) {
    if (known.tensors == checkpoint.tensors().size() &&
        known.parameters == checkpoint.parameters()) {
      return &known;
    }
  }
  return nullptr;
}

}  // namespace cross4d::tensorio
