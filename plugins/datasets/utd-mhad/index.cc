// SPDX-License-Identifier: Apache-2.0
#include "index.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <tuple>

namespace cross4d::utd_mhad {
namespace {

namespace fs = std::filesystem;

// "a12" -> 12: the letter, then a number from 1 without leading zeros.
std::optional<std::int64_t> TakeNumber(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 1 || text.front() == '0') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<Video> ParseName(std::string_view name) {
  const auto action = TakeNumber(name, "a");
  const auto subject = action ? TakeNumber(name, "_s") : std::nullopt;
  const auto trial = subject ? TakeNumber(name, "_t") : std::nullopt;
  if (!trial || name != "_depth.mat") return std::nullopt;
  return Video{*action, *subject, *trial};
}

std::vector<Video> VideosIn(const fs::path& folder) {
  std::vector<Video> videos;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (const auto video = ParseName(it->path().filename().string())) videos.push_back(*video);
  }
  return videos;
}

// A folder near `root` that would be right, for the message.
std::string Advice(const fs::path& root) {
  if (!VideosIn(root).empty()) {
    const fs::path parent = fs::absolute(root).lexically_normal() / "..";
    if (root.filename() == "Depth") {
      return "; it is the Depth folder itself: give its parent, " +
             parent.lexically_normal().string();
    }
    return "; it holds the depth files themselves: put them into a folder named Depth inside it";
  }
  const auto parent = fs::absolute(root).lexically_normal().parent_path();
  if (!VideosIn(parent / "Depth").empty()) {
    return "; its parent looks right: give " + parent.string();
  }
  std::error_code error;
  for (fs::directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
    if (!VideosIn(it->path() / "Depth").empty()) {
      return "; the folder " + it->path().string() + " in it looks right: give that";
    }
  }
  return "";
}

}  // namespace

std::string Video::id() const {
  std::string text = "a";
  text.append(std::to_string(action)).append("_s").append(std::to_string(subject));
  return text.append("_t").append(std::to_string(trial));
}

std::vector<Video> ListVideos(const fs::path& root) {
  if (!fs::is_directory(root)) {
    FailInput("dataset.root = " + root.string() +
              " is no folder; expected the UTD-MHAD folder that holds Depth/ and Skeleton/");
  }
  std::vector<Video> videos = VideosIn(root / "Depth");
  if (videos.empty()) {
    FailInput(
        "dataset.root = " + root.string() +
        " has no Depth/aA_sS_tT_depth.mat; expected the UTD-MHAD folder that holds Depth/ and "
        "Skeleton/" +
        Advice(root));
  }
  std::sort(videos.begin(), videos.end(), [](const Video& a, const Video& b) {
    return std::tie(a.action, a.subject, a.trial) < std::tie(b.action, b.subject, b.trial);
  });
  return videos;
}

}  // namespace cross4d::utd_mhad
