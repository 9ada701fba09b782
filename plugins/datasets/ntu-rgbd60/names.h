// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::ntu_rgbd60 {

/// A video by its name SsssCcccPpppRrrrAaaa; numbers from 1.
struct Video {
  std::int64_t setup = 0, camera = 0, performer = 0, replication = 0, action = 0;
  std::int64_t frames = 0;  ///< 0 = not known

  /// "S001C002P003R002A013"
  std::string id() const;
  auto operator<=>(const Video&) const = default;
};

inline constexpr std::int64_t kActions = 60;

/// Exactly such a name; nothing else.
std::optional<Video> ParseName(std::string_view name);

/// A list as PSTNet publishes it: "S001C001P001R001A001 103", name and number of frames, one a
/// line. Error(kInput) with the line: anything else, or a name twice.
std::vector<Video> ParseList(std::string_view text, const std::string& file);

/// The 20 training performers of the cross-subject protocol, ascending.
std::span<const std::int64_t> TrainingSubjects();
bool IsTrainingSubject(std::int64_t performer);
/// One of the 302 videos whose skeletons are missing or incomplete.
bool HasMissingSkeleton(const Video& video);
/// Their names, sorted.
std::span<const std::string_view> MissingSkeletons();

/// "drink water", …: A1 to A60.
std::span<const char* const> ActionNames();

}  // namespace cross4d::ntu_rgbd60
