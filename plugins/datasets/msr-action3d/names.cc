// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include <algorithm>

namespace cross4d::msr_action3d {
namespace {

// "a07" -> 7: the prefix, then two digits.
std::optional<std::int64_t> TakeNumber(std::string_view& text,
                                       std::string_view prefix,
                                       std::int64_t most) {
  if (!text.starts_with(prefix) || text.size() < prefix.size() + 2) return std::nullopt;
  const char tens = text[prefix.size()], ones = text[prefix.size() + 1];
  if (tens < '0' || tens > '9' || ones < '0' || ones > '9') return std::nullopt;
  const std::int64_t value = 10 * (tens - '0') + (ones - '0');
  if (value < 1 || value > most) return std::nullopt;
  text.remove_prefix(prefix.size() + 2);
  return value;
}

std::string TwoDigits(std::int64_t value) {
  return (value < 10 ? "0" : "") + std::to_string(value);
}

// Never published, although the other repetitions of that subject and action were.
constexpr std::array<std::array<std::int64_t, 3>, 6> kSingleGaps{
    {{4, 3, 3}, {5, 6, 3}, {6, 6, 3}, {7, 4, 3}, {7, 7, 3}, {15, 2, 3}}};

bool IsPublished(const Video& v) {
  if (v.subject == 4 && v.action <= 6) return false;
  if (v.action == 15 && v.subject >= 3 && v.subject <= 5) return false;
  const std::array<std::int64_t, 3> key{v.action, v.subject, v.example};
  return std::find(kSingleGaps.begin(), kSingleGaps.end(), key) == kSingleGaps.end();
}

}  // namespace

std::string Video::id() const {
  return "a" + TwoDigits(action) + "_s" + TwoDigits(subject) + "_e" + TwoDigits(example);
}

std::optional<Video> ParseName(std::string_view name, std::string_view extension) {
  const auto action = TakeNumber(name, "a", kActions);
  const auto subject = action ? TakeNumber(name, "_s", kSubjects) : std::nullopt;
  const auto example = subject ? TakeNumber(name, "_e", kExamples) : std::nullopt;
  if (!example || !name.starts_with("_sdepth")) return std::nullopt;
  name.remove_prefix(std::string_view("_sdepth").size());
  if (name != extension) return std::nullopt;
  return Video{*action, *subject, *example};
}

std::vector<Video> OfficialVideos() {
  std::vector<Video> videos;
  for (std::int64_t action = 1; action <= kActions; ++action) {
    for (std::int64_t subject = 1; subject <= kSubjects; ++subject) {
      for (std::int64_t example = 1; example <= kExamples; ++example) {
        const Video video{action, subject, example};
        if (IsPublished(video)) videos.push_back(video);
      }
    }
  }
  return videos;
}

}  // namespace cross4d::msr_action3d
