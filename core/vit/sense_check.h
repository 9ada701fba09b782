// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/teacher.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cross4d::vit {

/// One question that needs no reference numbers.
struct SenseCheck {
  std::string question;  ///< "outputs are finite"
  bool passed = false;
  std::string detail;  ///< what was measured
};

/// Whether a teacher behaves as a working model does on smooth noise of `height` x `width` pixels:
/// finite outputs, the same for the same input, different for different inputs, alone as in a
/// batch; a video teacher's features follow a clip that is moved by one tubelet. Runs the model
/// five times.
std::vector<SenseCheck> CheckSense(Teacher& teacher, std::int64_t height, std::int64_t width);

}  // namespace cross4d::vit
