// SPDX-License-Identifier: Apache-2.0
#include "video_frames.h"

#include "core/clips/frame_files.h"
#include "core/tensorio/npy.h"

#include <cross4d/sdk/error.h>

#include <cmath>
#include <string>
#include <utility>

#include "depth_png.h"

namespace cross4d::ntu_rgbd60 {
namespace {

namespace fs = std::filesystem;

const clips::FrameFiles kImages{"MDepth-", 8, ".png", 1};
// matplotlib divides 16-bit images by 65535, and the script stores that.
constexpr double kMillimetresPerUnit = 65535;

std::string ShapeText(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t side : shape) text += (text.empty() ? "" : ", ") + std::to_string(side);
  return "(" + text + ")";
}

// `array`: the whole, or its header alone.
std::int64_t FramesOf(const tensorio::NpyArray& array, const std::string& file) {
  const std::size_t rank = array.shape.size();
  if (array.is_object ? rank != 1 : rank != 3 || array.shape[2] != 3) {
    FailInput(file + ": its array 'data' has the shape " + ShapeText(array.shape) +
              ", expected one (N, 3) array per frame");
  }
  if (array.shape[0] == 0) FailInput(file + ": its array 'data' has no frame");
  return array.shape[0];
}

class Images final : public VideoFrames {
 public:
  Images(const fs::path& folder, const clips::DepthCamera& camera)
      : folder_(folder), camera_(camera) {
    count_ = CountImages(folder);
  }

  std::int64_t Open(std::int64_t frame) override {
    ReadDepthPng((folder_ / kImages.Name(frame)).string(), &pixels_);
    return static_cast<std::int64_t>(pixels_.size());
  }

  void Take(const std::vector<std::uint32_t>& picked, float* xyz) const override {
    for (const std::uint32_t number : picked) {
      const Pixel& p = pixels_[number];
      camera_.Unproject(p.column, p.row, p.depth, xyz);
      xyz += 3;
    }
  }

 private:
  fs::path folder_;
  clips::DepthCamera camera_;
  std::vector<Pixel> pixels_;
};

class Points final : public VideoFrames {
 public:
  Points(const fs::path& file, const clips::DepthCamera& camera)
      : file_(file.string()), camera_(camera), array_(tensorio::ReadNpz(file, "data")) {
    count_ = FramesOf(array_, file_);
  }

  std::int64_t Open(std::int64_t frame) override {
    points_.clear();
    if (!array_.is_object) {
      if (values_.empty()) values_ = array_.items[0].ToDoubles();
      const std::int64_t size = array_.shape[1] * 3;
      for (std::int64_t i = 0; i < size; i += 3) Add(&values_[frame * size + i]);
      return static_cast<std::int64_t>(points_.size());
    }
    const tensorio::NumericArray& item = array_.items[static_cast<std::size_t>(frame)];
    if (item.shape.size() != 2 || item.shape[1] != 3) {
      FailInput(file_ + ": frame " + std::to_string(frame) + " of 'data' has the shape " +
                ShapeText(item.shape) + ", expected (N, 3)");
    }
    const std::vector<double> values = item.ToDoubles();
    for (std::size_t i = 0; i < values.size(); i += 3) Add(&values[i]);
    return static_cast<std::int64_t>(points_.size());
  }

  void Take(const std::vector<std::uint32_t>& picked, float* xyz) const override {
    for (const std::uint32_t number : picked) {
      const Point& p = points_[number];
      camera_.Unproject(p.column, p.row, p.depth, xyz);
      xyz += 3;
    }
  }

 private:
  struct Point {
    float column, row, depth;
  };

  // Back to the pixel it came from, so that both forms go through the same camera.
  void Add(const double* xyz) {
    const double z = xyz[2];
    if (!(z > 0) || !std::isfinite(xyz[0] + xyz[1] + z)) return;
    const auto pixel = [&](double length, float centre) {
      return Count(length / z * static_cast<double>(kPublishedCamera.focal) +
                   static_cast<double>(centre));
    };
    points_.push_back({pixel(xyz[0], kPublishedCamera.centre_x),
                       pixel(xyz[1], kPublishedCamera.centre_y),
                       Count(z * kMillimetresPerUnit)});
  }

  // Columns, rows and millimetres were whole numbers before they were scaled.
  static float Count(double value) {
    const double whole = std::round(value);
    return static_cast<float>(std::abs(value - whole) < 0.01 ? whole : value);
  }

  std::string file_;
  clips::DepthCamera camera_;
  tensorio::NpyArray array_;
  std::vector<double> values_;  ///< of a plain numeric array
  std::vector<Point> points_;
};

}  // namespace

std::int64_t CountImages(const fs::path& folder) {
  try {
    return kImages.Count(folder);
  } catch (const Error& e) {
    const bool unmasked = fs::exists(folder / "Depth-00000001.png");
    if (!unmasked || fs::exists(folder / kImages.Name(0))) throw;
    FailInput(folder.string() +
              ": has unmasked depth (Depth-00000001.png); expected the masked images of "
              "nturgb+d_depth_masked (" +
              kImages.Name(0) + ")");
  }
}

std::unique_ptr<VideoFrames> OpenImages(const fs::path& folder, const clips::DepthCamera& camera) {
  return std::make_unique<Images>(folder, camera);
}

std::int64_t CountPointFrames(const fs::path& file) {
  return FramesOf(tensorio::ReadNpzHeader(file, "data"), file.string());
}

std::unique_ptr<VideoFrames> OpenPoints(const fs::path& file, const clips::DepthCamera& camera) {
  return std::make_unique<Points>(file, camera);
}

}  // namespace cross4d::ntu_rgbd60
