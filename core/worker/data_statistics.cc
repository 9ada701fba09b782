// SPDX-License-Identifier: Apache-2.0
#include "core/worker/data_statistics.h"

#include "core/base/hash.h"
#include "core/data/sources.h"
#include "core/geometry/parallel.h"

#include <cross4d/sdk/error.h>

#include <cstring>
#include <map>
#include <optional>

namespace cross4d::worker {
namespace {

struct Point {
  float xyz[3];
  bool operator<(const Point& o) const { return std::memcmp(xyz, o.xyz, sizeof xyz) < 0; }
  bool operator==(const Point& o) const { return std::memcmp(xyz, o.xyz, sizeof xyz) == 0; }
};

std::int64_t CountDistinct(const float* xyz, std::int64_t count) {
  std::vector<Point> points(static_cast<std::size_t>(count));
  std::memcpy(points.data(), xyz, points.size() * sizeof(Point));
  std::sort(points.begin(), points.end());
  return std::unique(points.begin(), points.end()) - points.begin();
}

}  // namespace

ClipStatistics MeasureClip(const Clip& clip) {
  ClipStatistics s;
  s.frames = clip.points.size(0);
  s.points = clip.points.size(1);
  s.part_labels = clip.part_labels.defined();
  s.correspondence = clip.correspondence.defined();
  const auto* xyz = clip.points.const_data_ptr<float>();
  const std::int64_t frame = 3 * s.points;
  for (std::int64_t t = 0; t < s.frames; ++t) {
    const float* now = xyz + t * frame;
    s.distinct_points.Add(static_cast<double>(CountDistinct(now, s.points)));
    const bool same =
        t > 0 &&
        std::memcmp(now, now - frame, static_cast<std::size_t>(frame) * sizeof(float)) == 0;
    s.padded_frames = same ? s.padded_frames + 1 : 0;
    s.repeated_frames += same ? 1 : 0;
    for (std::int64_t i = 0; i < frame; ++i) s.axes[static_cast<std::size_t>(i % 3)].Add(now[i]);
  }
  s.repeated_frames -= s.padded_frames;
  base::Sha256 sum;
  sum.Update(xyz, clip.points.nbytes());
  s.hash = sum.Finish();
  return s;
}

ReadClips ReadAndMeasure(const Dataset& dataset,
                         const std::vector<std::int64_t>& indices,
                         int threads,
                         const std::function<void(std::int64_t)>& progress) {
  const auto count = static_cast<std::int64_t>(indices.size());
  std::vector<std::optional<ClipStatistics>> found(indices.size());
  std::vector<std::string> errors(indices.size());
  const std::int64_t chunk = 8 * std::max(threads, 1);
  for (std::int64_t begin = 0; begin < count; begin += chunk) {
    geometry::ForEach(std::min(chunk, count - begin), threads, [&](std::int64_t k) {
      const auto at = static_cast<std::size_t>(begin + k);
      try {
        found[at] = MeasureClip(data::LoadClip(dataset, indices[at], 0, 0));
      } catch (const Error& e) {
        if (e.code() != ErrorCode::kInput) throw;
        errors[at] = e.what();
      }
    });
    progress(std::min(begin + chunk, count));
  }
  ReadClips read;
  std::map<std::string, std::vector<std::int64_t>> by_hash;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (!found[i]) {
      read.unreadable.emplace_back(indices[i], errors[i]);
      continue;
    }
    by_hash[found[i]->hash].push_back(indices[i]);
    read.clips.emplace_back(indices[i], std::move(*found[i]));
  }
  for (auto& [hash, clips] : by_hash) {
    if (clips.size() > 1) read.alike.push_back(std::move(clips));
  }
  std::sort(read.alike.begin(), read.alike.end());
  return read;
}

}  // namespace cross4d::worker
