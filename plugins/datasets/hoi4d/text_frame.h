// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::hoi4d {

/// A frame as text: "x y z semantic" or "x y z semantic instance" per line (numpy.savetxt).
/// Appends 3 floats and a label per line. Error(kInput) with `file` and the line: too few or too
/// many columns, no number, a label that is no whole number.
void ParseTextFrame(std::string_view text,
                    const std::string& file,
                    std::vector<float>* xyz,
                    std::vector<std::int64_t>* labels);

}  // namespace cross4d::hoi4d
