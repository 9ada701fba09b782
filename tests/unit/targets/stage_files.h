// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/hash.h"
#include "core/targets/stages.h"
#include "core/tensorio/torch_view.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/unit/targets/toy.h"

namespace cross4d::targets {

namespace fs = std::filesystem;

inline protocol::TargetsOptions SmallOptions() {
  protocol::TargetsOptions o;
  o.image_size = 16;
  o.dim = 3;
  // Large discs and the stricter rule: some of the few points are hidden.
  o.splat_radius = 3;
  o.visibility = "centre-depth";
  return o;
}
inline Checkpoint BadCheckpoint() { return {toy::Folder("bad_checkpoint"), "test"}; }

inline std::string HashFolder(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::string text;
  for (const fs::path& file : files) {
    text += file.filename().string() + " " + base::Sha256File(file.string()) + "\n";
  }
  return base::Sha256Hex(text).substr(0, 16);
}

inline torch::Tensor Read(const fs::path& file, const std::string& name) {
  return tensorio::View(tensorio::SafetensorsFile::Open(file), name);
}

}  // namespace cross4d::targets
