// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::msr_action3d {

inline constexpr std::int64_t kActions = 20, kSubjects = 10, kExamples = 3;

/// A video by its name aAA_sSS_eEE; numbers from 1.
struct Video {
  std::int64_t action = 0, subject = 0, example = 0;

  /// "a03_s01_e02"
  std::string id() const;
  auto operator<=>(const Video&) const = default;
};

/// "a03_s01_e02_sdepth" followed by `extension` and nothing else.
std::optional<Video> ParseName(std::string_view name, std::string_view extension);

/// The 567 videos that were published, in order: 33 of the 20 x 10 x 3 do not exist.
std::vector<Video> OfficialVideos();

inline constexpr std::array<const char*, kActions> kActionNames{
    "high arm wave", "horizontal arm wave", "hammer",        "hand catch",
    "forward punch", "high throw",          "draw x",        "draw tick",
    "draw circle",   "hand clap",           "two hand wave", "side boxing",
    "bend",          "forward kick",        "side kick",     "jogging",
    "tennis swing",  "tennis serve",        "golf swing",    "pick up and throw"};

}  // namespace cross4d::msr_action3d
