// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/npy.h"

#include <cross4d/sdk/error.h>

#include <cmath>
#include <utility>

#include "depth_video.h"
#include "video_frames.h"

namespace cross4d::msr_action3d {
namespace {

constexpr const char* kArray = "point_clouds";

std::string ShapeText(const std::vector<std::int64_t>& shape) {
  std::string text = "(";
  for (const std::int64_t side : shape) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(side);
  }
  return text + ")";
}

// One (N, 3) array per frame; NumPy stores equal counts as one (T, N, 3) array.
std::int64_t FrameCount(const tensorio::NpyArray& array, const std::string& name) {
  const std::size_t rank = array.shape.size();
  if (array.is_object ? rank != 1 : rank != 3 || array.shape[2] != 3) {
    FailInput(name + ": its array '" + kArray + "' has the shape " + ShapeText(array.shape) +
              ", expected one (N, 3) array per frame");
  }
  if (array.shape[0] == 0) {
    FailInput(name + ": its array '" + std::string(kArray) + "' has 0 frames, expected at least 1");
  }
  return array.shape[0];
}

// Columns, rows and counts were whole numbers before they were unprojected.
float Whole(double value) {
  const double whole = std::round(value);
  return static_cast<float>(std::abs(value - whole) < 0.01 ? whole : value);
}

class PointVideo final : public VideoFrames {
 public:
  explicit PointVideo(const std::string& path)
      : name_(path), array_(tensorio::ReadNpz(path, kArray)), count_(FrameCount(array_, path)) {}

  std::int64_t count() const override { return count_; }

  void Read(std::int64_t frame, std::vector<Pixel>* pixels) override {
    pixels->clear();
    if (array_.is_object) {
      const tensorio::NumericArray& item = array_.items[static_cast<std::size_t>(frame)];
      if (item.shape.size() != 2 || item.shape[1] != 3) {
        FailInput(name_ + ": frame " + std::to_string(frame) + " has the shape " +
                  ShapeText(item.shape) + ", expected (N, 3)");
      }
      const std::vector<double> values = item.ToDoubles();
      for (std::size_t i = 0; i < values.size(); i += 3) Add(frame, &values[i], pixels);
      return;
    }
    if (values_.empty()) values_ = array_.items[0].ToDoubles();
    const auto size = static_cast<std::size_t>(array_.shape[1]) * 3;
    const std::size_t begin = static_cast<std::size_t>(frame) * size;
    for (std::size_t i = 0; i < size; i += 3) Add(frame, &values_[begin + i], pixels);
  }

 private:
  // Back to the pixel it came from, so that both forms go through one camera. A point without depth
  // would be background, as in the images.
  void Add(std::int64_t frame, const double* xyz, std::vector<Pixel>* pixels) const {
    if (!std::isfinite(xyz[0]) || !std::isfinite(xyz[1]) || !std::isfinite(xyz[2])) {
      FailInput(name_ + ": frame " + std::to_string(frame) +
                " has a coordinate that is not finite, expected numbers");
    }
    if (xyz[2] <= 0) return;
    constexpr double focal = kPublishedFocal;
    pixels->push_back({Whole(xyz[0] / xyz[2] * focal + double{centre_x()}),
                       Whole(xyz[1] / xyz[2] * focal + double{centre_y()}),
                       Whole(xyz[2])});
  }

  std::string name_;
  tensorio::NpyArray array_;
  std::int64_t count_ = 0;
  std::vector<double> values_;  ///< of an array of equal counts
};

bool IsDepth(const std::filesystem::path& file) { return file.extension() == ".bin"; }

}  // namespace

std::unique_ptr<VideoFrames> OpenVideo(const std::filesystem::path& file) {
  if (IsDepth(file)) return std::make_unique<DepthVideo>(file.string());
  return std::make_unique<PointVideo>(file.string());
}

std::int64_t CountFrames(const std::filesystem::path& file) {
  if (IsDepth(file)) return DepthVideo(file.string()).count();
  return FrameCount(tensorio::ReadNpzHeader(file, kArray), file.string());
}

}  // namespace cross4d::msr_action3d
