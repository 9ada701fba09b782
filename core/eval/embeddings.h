// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/protocol/reporter.h"

#include <cross4d/sdk/student.h>

#include <filesystem>

namespace cross4d::eval {

inline constexpr const char* kEmbeddingsFile = "embeddings.safetensors";

/// Stage `embeddings`: the student in eval mode on every clip of a tokens artifact, mean over
/// tokens. embeddings.safetensors: embeddings [n, C] f32; clips.json as in the tokens artifact.
/// Metrics `clips` and `feature_std` (mean over channels of the standard deviation over clips).
void RunEmbeddings(Student& student,
                   const std::filesystem::path& tokens,
                   const std::filesystem::path& out,
                   protocol::Reporter& reporter);

}  // namespace cross4d::eval
