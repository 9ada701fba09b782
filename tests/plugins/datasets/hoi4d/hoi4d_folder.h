// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hdf5_writer.h"
#include "hoi4d.h"
#include "tests/support/refusal.h"
#include "tests/support/temp_folder.h"

namespace cross4d::test {

/// An empty folder and options for clips of 4 x 32 points.
class Hoi4dFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(root());
    options_.root = root().string();
    options_.frames = 4;
    options_.points = 32;
  }
  std::filesystem::path root() const { return folder_ / "HOI4D"; }
  void Write(const std::string& name, const Hdf5Spec& spec = {}) const {
    WriteHdf5(root() / name, spec);
  }
  hoi4d::Hoi4d Open() const { return {options_, context_}; }
  std::string OpenError() const {
    return Refusal([this] { Open(); });
  }
  std::string LoadError(std::int64_t index = 0) const {
    return Refusal([&] { Open().Load(index); });
  }
  /// Ids of the clips; those that test have a star.
  std::vector<std::string> Ids() const {
    const hoi4d::Hoi4d data = Open();
    std::vector<std::string> ids;
    for (const ClipInfo& clip : data.clips()) {
      ids.push_back(clip.id + (clip.split == Split::kTest ? "*" : ""));
    }
    return ids;
  }

  TempFolder folder_;
  hoi4d::Options options_;
  PluginContext context_;
};

}  // namespace cross4d::test
