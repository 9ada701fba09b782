// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/protocol/core_options.h"
#include "core/protocol/reporter.h"

#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/student.h>
#include <cross4d/sdk/teacher.h>

#include <filesystem>
#include <string>

/// The stages before training. Each writes its files into the empty folder `out`; bytes do not
/// depend on `threads`. Errors name the clip. Clips that a data set wants skipped when they cannot
/// be read are left out, logged, and counted in the metric `skipped`.
namespace cross4d::targets {

inline constexpr const char* kFeaturesFile = "features.safetensors";
inline constexpr const char* kFeaturesInfo = "features.json";

/// Stage `tokens`, all n clips of both splits in index order. tokens.safetensors: points [n, T, N,
/// 3] f32, centres [n, L, 3] f32, frames [n, L] i16, nearest [n, L] i16 (i32 if N > 32767),
/// extra.<name> [n, ...] (int64 as i32); clips.json.
void RunTokens(const Dataset& dataset,
               const Student& student,
               const std::filesystem::path& out,
               int threads,
               protocol::Reporter& reporter);

/// Where a stage keeps what an interrupted attempt has finished, and all that its bytes depend on
/// besides the arguments (plugin builds, fingerprints).
struct Checkpoint {
  std::filesystem::path folder;
  std::string identity;
};

/// Stage `features`, the n training clips in index order. features.safetensors: tokens
/// [n, cameras, T', Gh, Gw, d] f16, clip [n, d] f32 (mean of all tokens of the clip), patch
/// [n, cameras, T, N] i16 (i32 if a frame has more than 32767 patches), -1 = not visible;
/// features.json. Metric `coverage`: share of the points that at least one camera sees. Clips that
/// an attempt before this one finished are verified and kept; the bytes do not depend on it.
void RunFeatures(const Dataset& dataset,
                 Teacher& teacher,
                 const protocol::TargetsOptions& options,
                 const std::filesystem::path& out,
                 const Checkpoint& checkpoint,
                 int threads,
                 protocol::Reporter& reporter);

/// Stage `targets` from those two, E = L (granularity token) or T N (point) entries per clip.
/// targets.safetensors: targets [n, E, d] f16, 0 where not visible; clip [n, d] f32; frame
/// [n, cameras, T, d] f16 (mean of the tokens of frame t as camera v sees it); visible [n, E] u8;
/// view_visible [n, cameras, E] u8. Metric `token_coverage` or `point_coverage`.
void RunTargets(const std::filesystem::path& tokens,
                const std::filesystem::path& features,
                const protocol::TargetsOptions& options,
                const std::filesystem::path& out,
                int threads,
                protocol::Reporter& reporter);

}  // namespace cross4d::targets
