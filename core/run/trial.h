// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/protocol/reporter.h"
#include "core/protocol/stage_spec.h"

namespace cross4d::run {

/// Options section of a trial's spec: `frames` and `points` of a clip.
inline constexpr const char* kTrialClip = "clip";

/// What only the plugins together know: the spec's student takes one made-up clip of the size in
/// options "clip", and its objective, if there is one, one step on it without gradient, with
/// made-up targets as options "targets" has them (absent: none). Throws what they refuse, with both
/// named. Reads no data and needs no teacher.
void TryStep(const protocol::StageSpec& spec, protocol::Reporter& reporter);

}  // namespace cross4d::run
