// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/protocol/event.h"
#include "core/protocol/reporter.h"
#include "core/protocol/stage_spec.h"

#include <exception>
#include <string>

namespace cross4d::run {

struct StageResult {
  std::string artifact_hash;  ///< SHA-256 of the artifact's manifest.json
  std::string data;  ///< JSON object: bytes, and the data set's fingerprint where there is one
};

/// Computes one stage into spec.Work() and publishes it as spec.Artifact(). The inputs exist.
/// Removes the work folder on failure and the checkpoint on success. Throws Error; context: stage
/// kind.
StageResult ExecuteStage(const protocol::StageSpec& spec, protocol::Reporter& reporter);

/// Why a stage failed, for the record, and its text.
protocol::Cause CauseOf(const std::exception& error);

}  // namespace cross4d::run
