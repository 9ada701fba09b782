// SPDX-License-Identifier: Apache-2.0
#include "core/targets/rendered_clips.h"

#include "core/data/in_context.h"
#include "core/data/sources.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <span>
#include <string>

namespace cross4d::targets {
namespace {

constexpr std::size_t kKeptBytes = std::size_t{256} << 20;

std::span<const float> Floats(const torch::Tensor& t) {
  return {t.const_data_ptr<float>(), static_cast<std::size_t>(t.numel())};
}

}  // namespace

RenderedClips::RenderedClips(const Dataset& dataset,
                             const TeacherTraits& teacher,
                             const protocol::TargetsOptions& options,
                             int threads)
    : dataset_(dataset), teacher_(teacher), options_(options), threads_(threads) {
  const auto& all = dataset.clips();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].split == Split::kTrain) clips_.push_back(static_cast<std::int64_t>(i));
  }
  if (clips_.empty()) FailInput("the data set has no training clips");
  if (teacher.patch < 1 || options.image_size % teacher.patch != 0) {
    FailInput("targets.image_size = " + std::to_string(options.image_size) +
              " is not a multiple of the teacher's patch size " + std::to_string(teacher.patch));
  }
  kept_.resize(clips_.size());
  const torch::Tensor first = Points(0);
  frames_ = first.size(0);
  points_ = first.size(1);
  time_ = MapTime(frames_, teacher.frames, teacher.tubelet);
}

torch::Tensor RenderedClips::Points(std::int64_t i) const {
  torch::Tensor& kept = kept_[static_cast<std::size_t>(i)];
  if (kept.defined()) return kept;
  const torch::Tensor points =
      data::LoadClip(dataset_, clips_[static_cast<std::size_t>(i)], frames_, points_).points;
  if (kept_bytes_ + points.nbytes() <= kKeptBytes) {
    kept = points;
    kept_bytes_ += points.nbytes();
  }
  return points;
}

geometry::CameraOptions RenderedClips::CameraSetting() const {
  const Viewpoint view = dataset_.viewpoint();
  geometry::CameraOptions camera;
  camera.width = camera.height = static_cast<std::int32_t>(options_.image_size);
  camera.fov_deg = options_.fov;
  camera.margin = options_.margin;
  camera.forward = view.forward;
  camera.up = view.up;
  camera.elevation_deg = options_.elevation;
  camera.count = static_cast<int>(options_.cameras);
  return camera;
}

geometry::ClipRaster& RenderedClips::Raster(const torch::Tensor& points,
                                            const geometry::Camera& camera) const {
  geometry::SplatOptions splat;
  splat.radius_px = static_cast<float>(options_.splat_radius);
  splat.visibility = options_.visibility == "owns-pixel" ? geometry::Visibility::kOwnsPixel
                                                         : geometry::Visibility::kCentreDepth;
  splat.patch = static_cast<std::int32_t>(teacher_.patch);
  splat.threads = threads_;
  geometry::RenderClip(Floats(points), frames_, camera, splat, raster_);
  return raster_;
}

torch::Tensor RenderedClips::Shade(const geometry::ClipRaster& raster,
                                   const geometry::Camera& camera) const {
  const auto shading =
      options_.shading == "depth" ? geometry::Shading::kDepth : geometry::Shading::kDepthNormal;
  std::vector<float> grey = geometry::ShadeClip(
      raster, camera, geometry::RenderedRange(raster, camera), shading, threads_);
  const torch::Tensor images =
      torch::from_blob(grey.data(), {frames_, 1, raster.height, raster.width}, torch::kFloat32);
  const auto channels = [](const std::array<double, 3>& v) {
    return torch::tensor({v[0], v[1], v[2]}, torch::kFloat32).view({1, 3, 1, 1});
  };
  torch::Tensor frames = (images - channels(teacher_.mean)) / channels(teacher_.std);
  const auto length = static_cast<std::int64_t>(time_.model_frames.size());
  bool as_is = length == frames_;
  for (std::int64_t t = 0; as_is && t < length; ++t) {
    as_is = time_.model_frames[static_cast<std::size_t>(t)] == t;
  }
  return as_is ? frames : frames.index_select(0, torch::tensor(time_.model_frames));
}

RenderedClip RenderedClips::Render(std::int64_t i) const {
  const torch::Tensor points = Points(i);
  const std::string& id =
      dataset_.clips()[static_cast<std::size_t>(clips_[static_cast<std::size_t>(i)])].id;
  return data::InContext("clip " + id, [&] {
    RenderedClip out;
    std::vector<torch::Tensor> frames, patches;
    torch::Tensor seen = torch::zeros({frames_, points_}, torch::kBool);
    for (const geometry::Camera& camera : geometry::PlaceCameras(Floats(points), CameraSetting())) {
      geometry::ClipRaster& raster = Raster(points, camera);
      frames.push_back(Shade(raster, camera));
      for (std::size_t p = 0; p < raster.patch.size(); ++p) {
        if (raster.visible[p] == 0) raster.patch[p] = -1;
      }
      patches.push_back(
          torch::from_blob(raster.patch.data(), {frames_, points_}, torch::kInt32).clone());
      seen |= patches.back() >= 0;
    }
    out.frames = torch::stack(frames);
    out.patch = torch::stack(patches);
    out.seen_points = seen.sum().item<std::int64_t>();
    return out;
  });
}

std::int64_t RenderedClips::size() const {
  return static_cast<std::int64_t>(clips_.size()) * options_.cameras;
}

torch::Tensor RenderedClips::At(std::int64_t i) const {
  const torch::Tensor points = Points(i / options_.cameras);
  const auto cameras = geometry::PlaceCameras(Floats(points), CameraSetting());
  const geometry::Camera& camera = cameras.at(static_cast<std::size_t>(i % options_.cameras));
  return Shade(Raster(points, camera), camera);
}

}  // namespace cross4d::targets
