// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "names.h"

namespace cross4d::dt4d_animals {

struct Sequence {
  SequenceName name;
  std::filesystem::path path;
};

struct Index {
  std::vector<Sequence> sequences;             ///< ordered by name
  std::vector<std::filesystem::path> other;    ///< .anime files whose name is no sequence's, sorted
  std::vector<std::filesystem::path> doubled;  ///< of a name that is there already, sorted
};

/// The sequences in `root`/animals, else those in `root`: NAME/NAME.anime, or NAME.anime itself.
/// Error(kInput) that says what was expected, and which folder looks right.
Index ListSequences(const std::filesystem::path& root);

/// The sequences of `index` that test in the split `cross-sequence`: of every category's motions a
/// quarter, at least one of two, by the smallest hash of identity and motion. Versions of a motion
/// with and without root motion stay together.
std::vector<bool> CrossSequenceTests(const std::vector<Sequence>& sequences);

}  // namespace cross4d::dt4d_animals
