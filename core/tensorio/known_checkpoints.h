// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensorio/checkpoint.h"

#include <cstdint>
#include <span>

namespace cross4d::tensorio {

/// What a published checkpoint holds, computed from its model's definition.
struct KnownCheckpoint {
  const char* name;
  std::uint64_t tensors;
  std::uint64_t parameters;
};

/// The published checkpoints of the teachers, as Hugging Face folders hold them.
std::span<const KnownCheckpoint> KnownCheckpoints();
/// The one with this number of tensors and parameters; nullptr when it is none of them.
const KnownCheckpoint* FindKnown(const Checkpoint& checkpoint);

}  // namespace cross4d::tensorio
