// SPDX-License-Identifier: Apache-2.0
#include "index.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace cross4d::ntu_rgbd60 {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExpected =
    "expected the folder that holds one folder of MDepth-*.png (nturgb+d_depth_masked) or one "
    ".npz per video, named S001C001P001R001A001";

struct Listing {
  std::vector<Video> images, points;
};

// `first_only`: stops at the first video.
Listing VideosIn(const fs::path& folder, bool first_only = false) {
  Listing found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    const bool points = name.ends_with(".npz");
    if (points) name.resize(name.size() - 4);
    if (const auto video = ParseName(name)) {
      (points ? found.points : found.images).push_back(*video);
      if (first_only) break;
    }
  }
  std::sort(found.images.begin(), found.images.end());
  std::sort(found.points.begin(), found.points.end());
  return found;
}

bool LooksRight(const fs::path& folder) {
  const Listing found = VideosIn(folder, true);
  return !found.images.empty() || !found.points.empty();
}

// A folder near `root` that would be right, for the message.
std::string Advice(const fs::path& root) {
  const fs::path whole = fs::absolute(root).lexically_normal();
  const fs::path here = whole.has_filename() ? whole : whole.parent_path();
  if (ParseName(here.filename().string())) {
    return "; it is the folder of one video: give its parent, " + here.parent_path().string();
  }
  if (LooksRight(here.parent_path())) {
    return "; its parent looks right: give " + here.parent_path().string();
  }
  std::error_code error;
  for (fs::directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
    if (LooksRight(it->path())) {
      return "; the folder " + it->path().string() + " in it looks right: give that";
    }
  }
  return "";
}

}  // namespace

Index ListVideos(const fs::path& root, const std::string& form) {
  const std::string place = "dataset.root = " + root.string();
  if (!fs::is_directory(root)) FailInput(place + " is no folder; " + kExpected);
  Listing found = VideosIn(root);
  if (found.images.empty() && found.points.empty()) {
    FailInput(place + " holds no video; " + kExpected + Advice(root));
  }
  if (form == "auto" && !found.images.empty() && !found.points.empty()) {
    FailInput(place + " holds folders of images and .npz files; say which with dataset.form = " +
              "\"images\" or \"points\"");
  }
  const bool points = form == "points" || (form == "auto" && !found.points.empty());
  Index index{points ? Form::kPoints : Form::kImages, {}, 0};
  index.videos = std::move(points ? found.points : found.images);
  if (index.videos.empty()) {
    FailInput(place + " holds no video in the form \"" + form + "\", but " +
              (points ? "folders of images" : ".npz files") + "; set dataset.form = \"auto\"");
  }
  index.more_videos =
      std::erase_if(index.videos, [](const Video& video) { return video.action > kActions; });
  return index;
}

std::vector<Video> ReadList(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) FailInput("dataset.list = " + file.string() + ": cannot be opened for reading");
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return ParseList(text, file.string());
}

}  // namespace cross4d::ntu_rgbd60
