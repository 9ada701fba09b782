// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace cross4d::ntu_rgbd60 {
namespace {

constexpr std::size_t kNameSize = 20;
constexpr std::int64_t kMaxFrames = 1'000'000;

constexpr std::int64_t kTrainingSubjects[] = {1,  2,  4,  5,  8,  9,  13, 14, 15, 16,
                                              17, 18, 19, 25, 27, 28, 31, 34, 35, 38};

constexpr const char* kActionNames[] = {"drink water",
                                        "eat meal or snack",
                                        "brush teeth",
                                        "brush hair",
                                        "drop",
                                        "pick up",
                                        "throw",
                                        "sit down",
                                        "stand up",
                                        "clap",
                                        "read",
                                        "write",
                                        "tear up paper",
                                        "put on jacket",
                                        "take off jacket",
                                        "put on a shoe",
                                        "take off a shoe",
                                        "put on glasses",
                                        "take off glasses",
                                        "put on a hat or cap",
                                        "take off a hat or cap",
                                        "cheer up",
                                        "wave hand",
                                        "kick something",
                                        "reach into pocket",
                                        "hop on one foot",
                                        "jump up",
                                        "phone call",
                                        "play with phone or tablet",
                                        "type on a keyboard",
                                        "point to something",
                                        "take a selfie",
                                        "check time",
                                        "rub hands",
                                        "nod or bow",
                                        "shake head",
                                        "wipe face",
                                        "salute",
                                        "put palms together",
                                        "cross hands in front",
                                        "sneeze or cough",
                                        "stagger",
                                        "fall down",
                                        "headache",
                                        "chest pain",
                                        "back pain",
                                        "neck pain",
                                        "nausea or vomiting",
                                        "fan self",
                                        "punch or slap",
                                        "kick other person",
                                        "push",
                                        "pat on back",
                                        "point finger",
                                        "hug",
                                        "give object",
                                        "touch pocket",
                                        "shake hands",
                                        "walk towards each other",
                                        "walk apart"};
static_assert(std::size(kActionNames) == kActions);

std::string Padded(char letter, std::int64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 3) digits.insert(0, 3 - digits.size(), '0');
  return letter + digits;
}

// One line of a list, without its end; no value = it has another form.
std::optional<Video> ParseLine(std::string_view line) {
  if (line.size() < kNameSize + 2 || line[kNameSize] != ' ') return std::nullopt;
  std::optional<Video> video = ParseName(line.substr(0, kNameSize));
  if (!video) return std::nullopt;
  const char* end = line.data() + line.size();
  const auto parsed = std::from_chars(line.data() + kNameSize + 1, end, video->frames);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == end;
  return whole && video->frames >= 1 && video->frames <= kMaxFrames ? video : std::nullopt;
}

}  // namespace

std::string Video::id() const {
  return Padded('S', setup) + Padded('C', camera) + Padded('P', performer) +
         Padded('R', replication) + Padded('A', action);
}

std::optional<Video> ParseName(std::string_view name) {
  if (name.size() != kNameSize) return std::nullopt;
  Video video;
  std::int64_t* const numbers[] = {
      &video.setup, &video.camera, &video.performer, &video.replication, &video.action};
  for (std::size_t i = 0; i < 5; ++i) {
    const std::string_view part = name.substr(4 * i, 4);
    if (part[0] != "SCPRA"[i]) return std::nullopt;
    for (const char digit : part.substr(1)) {
      if (digit < '0' || digit > '9') return std::nullopt;
      *numbers[i] = *numbers[i] * 10 + (digit - '0');
    }
    if (*numbers[i] == 0) return std::nullopt;
  }
  return video;
}

std::vector<Video> ParseList(std::string_view text, const std::string& file) {
  std::vector<Video> videos;
  std::set<Video> seen;
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::optional<Video> video = ParseLine(line);
    const std::string place = file + ": line " + std::to_string(number) + ": ";
    if (!video) {
      FailInput(place + "'" + std::string(line.substr(0, 60)) +
                "', expected a name and a number of frames: 'S001C001P001R001A001 103'");
    }
    Video name = *video;
    name.frames = 0;
    if (!seen.insert(name).second) FailInput(place + video->id() + " is there twice");
    videos.push_back(*video);
  }
  if (videos.empty()) FailInput(file + ": lists no video");
  return videos;
}

std::span<const std::int64_t> TrainingSubjects() { return kTrainingSubjects; }

bool IsTrainingSubject(std::int64_t performer) {
  return std::ranges::binary_search(kTrainingSubjects, performer);
}

bool HasMissingSkeleton(const Video& video) {
  return std::ranges::binary_search(MissingSkeletons(), std::string_view(video.id()));
}

std::span<const char* const> ActionNames() { return kActionNames; }

}  // namespace cross4d::ntu_rgbd60
