// SPDX-License-Identifier: Apache-2.0
#include "video.h"

#include "core/tensorio/npy.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "scalars.h"

namespace cross4d::point_folder {
namespace {

namespace fs = std::filesystem;
using tensorio::NpyArray;
using tensorio::NumericArray;

std::string ShapeText(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t side : shape) text += (text.empty() ? "" : ", ") + std::to_string(side);
  return "[" + text + "]";
}

fs::path LabelsBeside(const fs::path& file, const char* suffix) {
  return file.parent_path() / (file.stem().string() + ".labels" + suffix);
}

// The one array of points in an .npz.
std::string PointsName(const fs::path& file) {
  std::vector<std::string> names = tensorio::ListNpz(file);
  std::erase(names, "labels");
  if (std::find(names.begin(), names.end(), "points") != names.end()) return "points";
  if (names.size() == 1) return names[0];
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  FailInput(file.string() + ": arrays " + (list.empty() ? "(none)" : list) +
            "; expected one named points, or a single one besides labels");
}

// Frames of a points array.
std::int64_t FramesOf(const NpyArray& array, const std::string& name) {
  const bool ragged = array.is_object && array.shape.size() == 1;
  const bool block = !array.is_object && array.shape.size() == 3 && array.shape[2] == 3;
  if (!ragged && !block) {
    FailInput(name + ": shape " + ShapeText(array.shape) + (array.is_object ? " of objects" : "") +
              ", expected [T, N, 3], or T objects of [N, 3]");
  }
  if (array.shape[0] == 0) FailInput(name + ": T = 0, expected at least one frame");
  return array.shape[0];
}

/// Frames as arrays: of one block, or one object each.
class ArrayFrames {
 public:
  ArrayFrames(NpyArray array, std::string name)
      : array_(std::move(array)), name_(std::move(name)) {}

  std::int64_t frames() const { return array_.shape.empty() ? 0 : array_.shape[0]; }
  const NpyArray& array() const { return array_; }
  const std::string& name() const { return name_; }

  /// The numbers of one frame; `width` = 3 for points, 1 for labels (then [N] or [N, 1]).
  std::vector<double> Numbers(std::int64_t frame, std::int64_t width) const {
    if (!array_.is_object) return Slice(frame);
    const NumericArray& item = array_.items.at(static_cast<std::size_t>(frame));
    const bool fits =
        width == 3 ? item.shape.size() == 2 && item.shape[1] == 3
                   : item.shape.size() == 1 || (item.shape.size() == 2 && item.shape[1] == 1);
    if (!fits && item.elements() != 0) {
      Fail(frame,
           "shape " + ShapeText(item.shape) + ", expected " + (width == 3 ? "[N, 3]" : "[N]"));
    }
    return item.ToDoubles();
  }
  [[noreturn]] void Fail(std::int64_t frame, const std::string& what) const {
    FailInput(name_ + ": frame " + std::to_string(frame) + ": " + what);
  }

 private:
  std::vector<double> Slice(std::int64_t frame) const {
    const NumericArray& all = array_.items.at(0);
    NumericArray one;
    one.dtype = all.dtype;
    one.shape.assign(all.shape.begin() + 1, all.shape.end());
    const std::size_t bytes = all.bytes.size() / static_cast<std::size_t>(frames());
    const auto begin = all.bytes.begin() + static_cast<std::ptrdiff_t>(bytes) * frame;
    one.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(bytes));
    return one.ToDoubles();
  }

  NpyArray array_;
  std::string name_;
};

std::vector<std::int64_t> WholeNumbers(const std::vector<double>& values,
                                       const ArrayFrames& source,
                                       std::int64_t frame) {
  std::vector<std::int64_t> whole;
  whole.reserve(values.size());
  for (const double value : values) {
    if (!(std::abs(value) <= 1e9) || value != std::floor(value)) {
      source.Fail(frame, "label of point " + std::to_string(whole.size()) + " is no whole number");
    }
    whole.push_back(static_cast<std::int64_t>(value));
  }
  return whole;
}

void CheckLabelCount(const Cloud& cloud, const std::string& where) {
  if (static_cast<std::int64_t>(cloud.labels.size()) == cloud.size()) return;
  FailInput(where + ": " + std::to_string(cloud.labels.size()) + " labels, expected " +
            std::to_string(cloud.size()) + ", one for each point");
}

/// NAME.npy or NAME.npz.
class ArrayVideo : public Video {
 public:
  ArrayVideo(const fs::path& file, bool labels, std::vector<fs::path> files)
      : files_(std::move(files)), points_(ReadPoints(file)) {
    FramesOf(points_.array(), points_.name());
    if (!labels) return;
    labels_.emplace(ReadLabels(file));
    if (labels_->frames() != points_.frames()) {
      FailInput(labels_->name() + ": labels of " + std::to_string(labels_->frames()) +
                " frames, expected " + std::to_string(points_.frames()));
    }
  }

  std::int64_t frames() const override { return points_.frames(); }
  Cloud Read(std::int64_t frame) const override {
    const std::vector<double> numbers = points_.Numbers(frame, 3);
    Cloud cloud;
    cloud.xyz.assign(numbers.begin(), numbers.end());
    for (std::int64_t p = 0; p < cloud.size(); ++p) {
      const std::string bad = NotFinite(p, cloud.xyz.data() + 3 * p);
      if (!bad.empty()) points_.Fail(frame, bad);
    }
    if (labels_) {
      cloud.labels = WholeNumbers(labels_->Numbers(frame, 1), *labels_, frame);
      CheckLabelCount(cloud, labels_->name() + ": frame " + std::to_string(frame));
    }
    return cloud;
  }
  std::vector<fs::path> files() const override { return files_; }

 private:
  static ArrayFrames ReadPoints(const fs::path& file) {
    if (file.extension() == ".npy") return {tensorio::ReadNpy(file), file.string()};
    const std::string name = PointsName(file);
    return {tensorio::ReadNpz(file, name), file.string() + ": " + name};
  }
  static ArrayFrames ReadLabels(const fs::path& file) {
    if (file.extension() != ".npy") {
      return {tensorio::ReadNpz(file, "labels"), file.string() + ": labels"};
    }
    const fs::path beside = LabelsBeside(file, ".npy");
    return {tensorio::ReadNpy(beside), beside.string()};
  }

  std::vector<fs::path> files_;
  ArrayFrames points_;
  std::optional<ArrayFrames> labels_;
};

std::string LowerExtension(const fs::path& file) {
  std::string text = file.extension().string();
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// The last group of digits in a frame's name.
std::optional<std::int64_t> FrameNumber(const fs::path& file) {
  const std::string stem = file.stem().string();
  const std::size_t end = stem.find_last_of("0123456789");
  if (end == stem.npos) return std::nullopt;
  const std::size_t before = stem.find_last_not_of("0123456789", end);
  const std::size_t begin = before == stem.npos ? 0 : before + 1;
  return ParseWhole(std::string_view(stem).substr(begin, end - begin + 1));
}

struct NumberedFile {
  std::int64_t number;
  fs::path file;
};

// Rising in equal steps, so that a lost file shows.
void CheckNumbers(const std::vector<NumberedFile>& frames) {
  for (std::size_t i = 1; i < frames.size(); ++i) {
    const std::int64_t step = frames[i].number - frames[i - 1].number;
    if (step == 0) {
      FailInput(frames[i].file.string() + ": has the same number as " +
                frames[i - 1].file.filename().string());
    }
    if (step != frames[1].number - frames[0].number) {
      FailInput(frames[i].file.string() + ": follows " + frames[i - 1].file.filename().string() +
                ", a step of " + std::to_string(step) + " where it was " +
                std::to_string(frames[1].number - frames[0].number) +
                ": is a frame missing? Number the frames in equal steps");
    }
  }
}

std::vector<fs::path> ListFrames(const fs::path& folder) {
  std::vector<NumberedFile> frames;
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_regular_file(error)) files.push_back(it->path());
  }
  if (error) FailInput(folder.string() + ": cannot be listed: " + error.message());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const std::string extension = LowerExtension(file);
    if (extension != ".ply" && extension != ".pcd" && extension != ".xyz") continue;
    const auto number = FrameNumber(file);
    if (!number) FailInput(file.string() + ": the name has no number, expected frame_0001.ply, …");
    if (!frames.empty() && extension != LowerExtension(frames[0].file)) {
      FailInput(file.string() + ": another format than " + frames[0].file.filename().string() +
                "; the frames of a clip must be of one kind");
    }
    frames.push_back({*number, file});
  }
  if (frames.empty()) {
    FailInput(folder.string() + ": has no frame; expected numbered files *.ply, *.pcd or *.xyz");
  }
  std::stable_sort(frames.begin(), frames.end(), [](const auto& a, const auto& b) {
    return a.number < b.number;
  });
  CheckNumbers(frames);
  files.clear();
  for (const NumberedFile& frame : frames) files.push_back(frame.file);
  return files;
}

std::vector<unsigned char> ReadBytes(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<unsigned char> bytes{std::istreambuf_iterator<char>(in), {}};
  if (!in) FailInput(file.string() + ": cannot be read");
  return bytes;
}

/// NAME/ with a file per frame.
class FolderVideo : public Video {
 public:
  FolderVideo(const fs::path& folder, bool labels, std::vector<fs::path> files)
      : labels_(labels), frames_(ListFrames(folder)), files_(std::move(files)) {}

  std::int64_t frames() const override { return static_cast<std::int64_t>(frames_.size()); }
  Cloud Read(std::int64_t frame) const override {
    const fs::path& file = frames_.at(static_cast<std::size_t>(frame));
    Cloud cloud = Parse(file);
    if (!labels_) return cloud;
    if (cloud.labels.empty() && cloud.size() > 0) cloud.labels = LabelsOf(file);
    CheckLabelCount(cloud, file.string());
    return cloud;
  }
  std::vector<fs::path> files() const override { return files_; }

 private:
  static Cloud Parse(const fs::path& file) {
    const std::vector<unsigned char> bytes = ReadBytes(file);
    const std::string extension = LowerExtension(file);
    if (extension == ".ply") return ParsePly(bytes, file.string());
    if (extension == ".pcd") return ParsePcd(bytes, file.string());
    return ParseXyz(bytes, file.string());
  }
  static std::vector<std::int64_t> LabelsOf(const fs::path& file) {
    std::error_code error;
    const fs::path array = LabelsBeside(file, ".npy"), text = LabelsBeside(file, ".txt");
    if (fs::exists(array, error)) {
      NpyArray values = tensorio::ReadNpy(array);
      if (values.is_object || values.shape.size() != 1) {
        FailInput(array.string() + ": shape " + ShapeText(values.shape) + ", expected [N]");
      }
      values.shape.insert(values.shape.begin(), 1);
      values.items.at(0).shape = values.shape;
      const ArrayFrames one(std::move(values), array.string());
      return WholeNumbers(one.Numbers(0, 1), one, 0);
    }
    if (fs::exists(text, error)) return ParseLabels(ReadBytes(text), text.string());
    FailInput(file.string() + ": no labels: expected a property label in it, " +
              array.filename().string() + " or " + text.filename().string() + " beside it");
  }

  bool labels_;
  std::vector<fs::path> frames_, files_;
};

}  // namespace

std::unique_ptr<Video> OpenVideo(const fs::path& place, bool labels) {
  if (fs::is_directory(place)) {
    return std::make_unique<FolderVideo>(place, labels, FilesOf(place, labels));
  }
  return std::make_unique<ArrayVideo>(place, labels, FilesOf(place, labels));
}

std::int64_t CountFrames(const fs::path& place) {
  if (fs::is_directory(place)) return static_cast<std::int64_t>(ListFrames(place).size());
  if (place.extension() == ".npy") return FramesOf(tensorio::ReadNpy(place), place.string());
  const std::string name = PointsName(place);
  return FramesOf(tensorio::ReadNpzHeader(place, name), place.string() + ": " + name);
}

std::vector<fs::path> FilesOf(const fs::path& place, bool labels) {
  if (!fs::is_directory(place)) {
    std::vector<fs::path> files = {place};
    if (labels && place.extension() == ".npy") files.push_back(LabelsBeside(place, ".npy"));
    return files;
  }
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::path& frame : ListFrames(place)) {
    files.push_back(frame);
    for (const char* suffix : {".npy", ".txt"}) {
      const fs::path beside = LabelsBeside(frame, suffix);
      if (labels && fs::exists(beside, error)) files.push_back(beside);
    }
  }
  return files;
}

}  // namespace cross4d::point_folder
