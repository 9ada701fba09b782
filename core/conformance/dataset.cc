// SPDX-License-Identifier: Apache-2.0
#include "core/conformance/suite.h"
#include "core/plugin/load.h"

#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/tags.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <thread>

namespace cross4d::conformance {
namespace {

std::unique_ptr<Dataset> Create(const Suite& suite) {
  return plugin::CreateDataset(suite.record, suite.settings.options, suite.context());
}

/// Clips spread over the whole index, both ends included.
std::vector<std::int64_t> Sample(const Dataset& dataset, std::int64_t count) {
  const auto size = static_cast<std::int64_t>(dataset.clips().size());
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < std::min(count, size); ++i) {
    indices.push_back(count >= size ? i : i * (size - 1) / std::max<std::int64_t>(1, count - 1));
  }
  return indices;
}

bool SameClip(const Clip& a, const Clip& b) {
  return SameBytes(a.points, b.points) && SameBytes(a.part_labels, b.part_labels) &&
         SameBytes(a.correspondence, b.correspondence);
}

std::string CheckIndex(const Dataset& dataset) {
  std::set<std::string> ids;
  std::set<Split> splits;
  const auto classes = static_cast<std::int64_t>(dataset.class_names().size());
  for (const ClipInfo& clip : dataset.clips()) {
    if (clip.id.empty() || clip.video.empty()) return "a clip has no id or no video";
    if (!ids.insert(clip.id).second) return "two clips have the id " + clip.id;
    if (clip.label < -1 || clip.label >= classes) {
      return "clip " + clip.id + " has label " + std::to_string(clip.label) + ", there are " +
             std::to_string(classes) + " class names";
    }
    splits.insert(clip.split);
  }
  if (ids.empty()) return "there are no clips";
  if (splits.size() != 2) return "one of the two splits is empty";
  return "";
}

std::string SameIndex(const Dataset& a, const Dataset& b) {
  if (a.clips().size() != b.clips().size()) return "the number of clips differs";
  for (std::size_t i = 0; i < a.clips().size(); ++i) {
    const ClipInfo &x = a.clips()[i], &y = b.clips()[i];
    if (x.id != y.id || x.video != y.video || x.label != y.label || x.subject != y.subject ||
        x.split != y.split) {
      return "entry " + std::to_string(i) + " is " + x.id + ", then " + y.id;
    }
  }
  if (a.class_names() != b.class_names() || a.part_names() != b.part_names())
    return "the names differ";
  return a.Fingerprint() == b.Fingerprint() ? "" : "the fingerprint differs";
}

std::string CheckClip(const Suite& suite, const Dataset& dataset, const Clip& clip) {
  std::string text = CheckTensor("points", clip.points, torch::kFloat, {-1, -1, 3});
  if (!text.empty()) return text;
  const std::int64_t frames = clip.points.size(0), points = clip.points.size(1);
  if (frames == 0 || points == 0) return "the clip is empty";
  const auto parts = static_cast<std::int64_t>(dataset.part_names().size());
  const bool has_parts = clip.part_labels.defined(), has_ids = clip.correspondence.defined();
  if (has_parts) {
    text = CheckTensor("part_labels", clip.part_labels, torch::kLong, {frames, points});
    if (text.empty()) text = CheckRange("part_labels", clip.part_labels, -1, parts - 1);
  }
  if (text.empty() && has_ids) {
    text = CheckTensor("correspondence", clip.correspondence, torch::kLong, {frames, points});
  }
  if (!text.empty()) return text;
  const auto honest = [&](const char* tag, bool there) {
    if (suite.plugin.Provides(tag) == there) return std::string();
    return std::string("the tag ") + tag +
           (there ? " is missing" : " is given, but the clip has none");
  };
  // A data set may have part labels under some settings only; it then has no names for them.
  if (has_parts || parts > 0) text = honest(tags::kPartLabels, has_parts);
  return text.empty() ? honest(tags::kCorrespondence, has_ids) : text;
}

std::string CheckClips(const Suite& suite, const Dataset& dataset) {
  std::vector<std::int64_t> shape;
  for (const std::int64_t i : Sample(dataset, suite.settings.clips)) {
    const Clip clip = dataset.Load(i);
    const std::string& id = dataset.clips()[static_cast<std::size_t>(i)].id;
    const std::string text = CheckClip(suite, dataset, clip);
    if (!text.empty()) return "clip " + id + ": " + text;
    if (!shape.empty() && clip.points.sizes() != shape) return "clip " + id + " has another T or N";
    shape = clip.points.sizes().vec();
  }
  return "";
}

std::string SameInAnyOrder(const Dataset& a, const Dataset& b, std::int64_t count) {
  std::vector<std::int64_t> indices = Sample(a, count);
  std::vector<Clip> first;
  for (const std::int64_t i : indices) first.push_back(a.Load(i));
  for (std::size_t k = indices.size(); k-- > 0;) {
    if (!SameClip(first[k], b.Load(indices[k]))) {
      return "clip " + a.clips()[static_cast<std::size_t>(indices[k])].id + " differs";
    }
  }
  return "";
}

std::string SameFromFourThreads(const Dataset& dataset, std::int64_t count) {
  const std::vector<std::int64_t> indices = Sample(dataset, count);
  std::vector<Clip> serial;
  for (const std::int64_t i : indices) serial.push_back(dataset.Load(i));
  std::vector<std::string> problems(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < problems.size(); ++t) {
    threads.emplace_back([&, t] {
      try {
        for (std::size_t k = 0; k < indices.size(); ++k) {
          const std::size_t at = (k + t) % indices.size();
          if (!SameClip(serial[at], dataset.Load(indices[at]))) problems[t] = "a clip differs";
        }
      } catch (const std::exception& e) {
        problems[t] = e.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& problem : problems) {
    if (!problem.empty()) return problem;
  }
  return "";
}

std::string CheckViewpoint(const Viewpoint& view) {
  const auto dot = [](const auto& a, const auto& b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  };
  const double forward = dot(view.forward, view.forward), up = dot(view.up, view.up);
  if (std::abs(forward - 1) > 1e-6 || std::abs(up - 1) > 1e-6)
    return "forward or up is not of length 1";
  return std::abs(dot(view.forward, view.up)) < 0.999 ? "" : "up is parallel to forward";
}

}  // namespace

void CheckDataset(Suite& suite) {
  std::unique_ptr<Dataset> data, again;
  suite.Run("it can be created twice", [&]() -> std::string {
    data = Create(suite);
    again = Create(suite);
    return "";
  });
  if (again == nullptr) return;
  suite.Run("the index is sound: ids, labels, both splits", [&] { return CheckIndex(*data); });
  suite.Run("two creations give one index", [&] { return SameIndex(*data, *again); });
  suite.Run("the viewpoint is sound", [&] { return CheckViewpoint(data->viewpoint()); });
  if (data->clips().empty()) return;
  suite.Run("clips have the right shapes, types and tags",
            [&] { return CheckClips(suite, *data); });
  suite.Run("a clip does not depend on what was read before",
            [&] { return SameInAnyOrder(*data, *again, suite.settings.clips); });
  suite.Run("Load gives the same from four threads at once",
            [&] { return SameFromFourThreads(*data, suite.settings.clips); });
  suite.report.figures.push_back("clips: " + std::to_string(data->clips().size()));
}

}  // namespace cross4d::conformance
