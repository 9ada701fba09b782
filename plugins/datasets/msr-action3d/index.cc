// SPDX-License-Identifier: Apache-2.0
#include "index.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <map>
#include <utility>

namespace cross4d::msr_action3d {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDepth = ".bin";
constexpr const char* kPoints = ".npz";

std::vector<std::string> Extensions(const std::string& form) {
  if (form == "depth") return {kDepth};
  if (form == "points") return {kPoints};
  return {kDepth, kPoints};  // the first one found counts
}

std::vector<VideoFile> VideosIn(const fs::path& folder, const std::string& form) {
  std::map<Video, fs::path> found;
  for (const std::string& extension : Extensions(form)) {
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      const auto video = ParseName(it->path().filename().string(), extension);
      if (video) found.try_emplace(*video, it->path());
    }
  }
  std::vector<VideoFile> files;
  for (auto& [video, path] : found) files.push_back({video, path});
  return files;
}

std::string NamePattern(const std::string& form) {
  std::string text;
  for (const std::string& extension : Extensions(form)) {
    text += (text.empty() ? "aAA_sSS_eEE_sdepth" : " or ") + extension;
  }
  return text;
}

bool LooksRight(const fs::path& root, const std::string& form) {
  return !VideosIn(root, form).empty() || !VideosIn(root / "Depth", form).empty();
}

// What would be right, for the message.
std::string Advice(const fs::path& root, const std::string& form) {
  if (form != "auto" && LooksRight(root, "auto")) {
    return "; it holds the other form: set dataset.form = \"" +
           std::string(form == "depth" ? "points" : "depth") + "\" or \"auto\"";
  }
  const fs::path parent = fs::absolute(root).lexically_normal().parent_path();
  if (LooksRight(parent, form)) return "; its parent looks right: give " + parent.string();
  std::vector<fs::path> children;
  std::error_code error;
  for (fs::directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
    if (LooksRight(it->path(), form)) children.push_back(it->path());
  }
  if (children.empty()) return "";
  const fs::path& first = *std::min_element(children.begin(), children.end());
  return "; the folder " + first.string() + " in it looks right: give that";
}

}  // namespace

std::vector<VideoFile> ListVideos(const fs::path& root, const std::string& form) {
  const std::string expected = "expected the MSR-Action3D folder that holds " + NamePattern(form);
  std::error_code error;
  if (!fs::is_directory(root, error)) {
    FailInput("dataset.root = " + root.string() + " is no folder; " + expected);
  }
  for (const fs::path& folder : {root, root / "Depth"}) {
    std::vector<VideoFile> files = VideosIn(folder, form);
    if (!files.empty()) return files;
  }
  const std::string found = fs::is_empty(root, error) ? " is empty; " : " has none; ";
  FailInput("dataset.root = " + root.string() + found + expected + Advice(root, form));
}

}  // namespace cross4d::msr_action3d
