// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"
#include "core/data/sources.h"
#include "core/geometry/splat.h"
#include "core/worker/data_command.h"

#include <cross4d/sdk/error.h>

#include <png.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <span>

namespace cross4d::worker {
namespace {

namespace fs = std::filesystem;
using Colour = std::array<std::uint8_t, 3>;

constexpr std::int32_t kSide = 224, kGap = 4;  // [px]
constexpr Colour kPlain{255, 255, 255}, kUnlabelled{128, 128, 128};
// Colours that are told apart easily (Okabe and Ito, then Tol); more parts repeat them.
constexpr std::array<Colour, 12> kPalette{{{230, 159, 0},
                                           {86, 180, 233},
                                           {0, 158, 115},
                                           {240, 228, 66},
                                           {0, 114, 178},
                                           {213, 94, 0},
                                           {204, 121, 167},
                                           {153, 153, 51},
                                           {136, 34, 85},
                                           {170, 170, 170},
                                           {68, 170, 153},
                                           {221, 204, 119}}};

Colour PartColour(std::int64_t part) {
  return part < 0 ? kUnlabelled : kPalette[static_cast<std::size_t>(part) % kPalette.size()];
}

std::int64_t FindClip(const Dataset& dataset, const std::string& id) {
  const auto& clips = dataset.clips();
  for (std::size_t i = 0; i < clips.size(); ++i) {
    if (clips[i].id == id) return static_cast<std::int64_t>(i);
  }
  const std::string first = clips.empty() ? "there are none" : "the first is " + clips[0].id;
  FailInput("no clip '" + id + "' among the " + std::to_string(clips.size()) + " clips; " + first);
}

// A clip's id as part of a file name.
std::string FileName(std::string id) {
  std::replace(id.begin(), id.end(), '/', '_');
  return id;
}

void Append(std::string* bytes, const void* data, std::size_t size) {
  bytes->append(static_cast<const char*>(data), size);
}

void WritePly(const fs::path& path, const Clip& clip, std::int64_t frame) {
  const bool labels = clip.part_labels.defined();
  const std::int64_t count = clip.points.size(1);
  std::string bytes = "ply\nformat binary_little_endian 1.0\nelement vertex " +
                      std::to_string(count) +
                      "\nproperty float x\nproperty float y\nproperty float z\n";
  if (labels) {
    bytes += "property uchar red\nproperty uchar green\nproperty uchar blue\nproperty int label\n";
  }
  bytes += "end_header\n";
  const float* xyz = clip.points.const_data_ptr<float>() + frame * count * 3;
  for (std::int64_t i = 0; i < count; ++i) {
    Append(&bytes, xyz + 3 * i, 3 * sizeof(float));
    if (!labels) continue;
    const auto part = clip.part_labels[frame].const_data_ptr<std::int64_t>()[i];
    const auto stored = static_cast<std::int32_t>(part);
    Append(&bytes, PartColour(part).data(), 3);
    Append(&bytes, &stored, sizeof stored);
  }
  base::WriteFileAtomically(path, bytes, false);
}

geometry::ClipRaster Render(const Dataset& dataset, const Clip& clip, geometry::Camera* camera) {
  const Viewpoint view = dataset.viewpoint();
  geometry::CameraOptions options;
  options.width = options.height = kSide;
  options.forward = view.forward;
  options.up = view.up;
  const std::span<const float> points(clip.points.const_data_ptr<float>(),
                                      static_cast<std::size_t>(clip.points.numel()));
  *camera = geometry::PlaceCameras(points, options).front();
  return geometry::RenderClip(points, clip.points.size(0), *camera, {});
}

/// Frames side by side in reading order.
class Sheet {
 public:
  explicit Sheet(std::int64_t frames)
      : columns_(static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(frames))))),
        width_(columns_ * (kSide + kGap) + kGap),
        height_((frames + columns_ - 1) / columns_ * (kSide + kGap) + kGap),
        pixels_(static_cast<std::size_t>(3 * width_ * height_), 48) {}

  std::uint8_t* Pixel(std::int64_t frame, std::int64_t row, std::int64_t column) {
    const std::int64_t y = frame / columns_ * (kSide + kGap) + kGap + row;
    const std::int64_t x = frame % columns_ * (kSide + kGap) + kGap + column;
    return pixels_.data() + 3 * (y * width_ + x);
  }
  void Write(const fs::path& path) const {
    png_image image;
    std::memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(width_);
    image.height = static_cast<png_uint_32>(height_);
    image.format = PNG_FORMAT_RGB;
    if (png_image_write_to_file(&image, path.c_str(), 0, pixels_.data(), 0, nullptr) == 0) {
      throw Error(ErrorCode::kEnvironment, "cannot write " + path.string() + ": " + image.message);
    }
  }

 private:
  std::int64_t columns_, width_, height_;
  std::vector<std::uint8_t> pixels_;
};

void WriteSheet(const fs::path& path, const Dataset& dataset, const Clip& clip) {
  geometry::Camera camera;
  const geometry::ClipRaster raster = Render(dataset, clip, &camera);
  const std::vector<float> grey = geometry::ShadeClip(
      raster, camera, geometry::RenderedRange(raster, camera), geometry::Shading::kDepthNormal);
  Sheet sheet(raster.frames);
  constexpr std::int64_t kPixels = std::int64_t{kSide} * kSide;
  for (std::int64_t p = 0; p < raster.frames * kPixels; ++p) {
    const std::int64_t frame = p / kPixels;
    const std::int32_t point = raster.index[static_cast<std::size_t>(p)];
    const bool coloured = clip.part_labels.defined() && point >= 0;
    const Colour colour =
        coloured
            ? PartColour(
                  clip.part_labels.const_data_ptr<std::int64_t>()[frame * raster.points + point])
            : kPlain;
    std::uint8_t* to = sheet.Pixel(frame, p % kPixels / kSide, p % kSide);
    for (std::size_t k = 0; k < 3; ++k) {
      to[k] = static_cast<std::uint8_t>(
          std::lround(grey[static_cast<std::size_t>(p)] * static_cast<float>(colour[k])));
    }
  }
  sheet.Write(path);
}

}  // namespace

int PreviewData(const DataRequest& request, const std::string& id, const std::string& folder) {
  const OpenedDataset opened = OpenDataset(request);
  const Dataset& dataset = *opened.dataset;
  Clip clip = data::LoadClip(dataset, FindClip(dataset, id), 0, 0);
  if (clip.part_labels.defined()) clip.part_labels = clip.part_labels.contiguous();
  base::MakeFolders(folder);
  const std::string name = FileName(id);
  const std::int64_t frames = clip.points.size(0);
  for (std::int64_t t = 0; t < frames; ++t) {
    char number[32];
    std::snprintf(number, sizeof number, "_%03lld.ply", static_cast<long long>(t));
    WritePly(fs::path(folder) / (name + number), clip, t);
  }
  const fs::path sheet = fs::path(folder) / (name + ".png");
  WriteSheet(sheet, dataset, clip);
  std::printf("%s: %lld PLY files of %lld points%s, %s\n",
              folder.c_str(),
              static_cast<long long>(frames),
              static_cast<long long>(clip.points.size(1)),
              clip.part_labels.defined() ? ", coloured by part" : "",
              sheet.filename().c_str());
  return 0;
}

}  // namespace cross4d::worker
