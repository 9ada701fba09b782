// SPDX-License-Identifier: Apache-2.0
#include "core/worker/data_command.h"
#include "core/worker/data_statistics.h"

#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <map>
#include <set>

namespace cross4d::worker {
namespace {

using nlohmann::json;

constexpr std::size_t kListed = 20;  // names of one kind in the text; --json has all

/// Clips, videos and labels of the two splits; true = train.
struct Index {
  explicit Index(const Dataset& dataset) {
    const auto names = dataset.class_names();
    for (std::size_t i = 0; i < names.size(); ++i) labels[static_cast<std::int64_t>(i)];
    for (const ClipInfo& clip : dataset.clips()) {
      const bool train = clip.split == Split::kTrain;
      ++clips[train];
      videos[train].insert(clip.video);
      ++labels[clip.label][train];
    }
  }
  std::map<bool, std::int64_t> clips{{true, 0}, {false, 0}};
  std::map<bool, std::set<std::string>> videos;
  std::map<std::int64_t, std::map<bool, std::int64_t>> labels;
};

std::string LabelName(const std::vector<std::string>& names, std::int64_t label) {
  if (label == -1) return "(none)";
  const bool named = label >= 0 && label < static_cast<std::int64_t>(names.size());
  return named ? names[static_cast<std::size_t>(label)] : std::to_string(label);
}

std::string IdOf(const Dataset& dataset, std::int64_t index) {
  return dataset.clips()[static_cast<std::size_t>(index)].id;
}

void PrintIndex(const Dataset& dataset) {
  const Index index(dataset);
  for (const bool train : {true, false}) {
    const auto videos = index.videos.find(train);
    std::printf("%-6s %lld clips of %zu videos\n",
                train ? "train" : "test",
                static_cast<long long>(index.clips.at(train)),
                videos == index.videos.end() ? 0 : videos->second.size());
  }
  const auto names = dataset.class_names();
  std::printf("%-24s %7s %7s\n", "class", "train", "test");
  for (const auto& [label, counts] : index.labels) {
    const auto count = [&counts = counts](bool train) {
      const auto found = counts.find(train);
      return static_cast<long long>(found == counts.end() ? 0 : found->second);
    };
    std::printf("%-24s %7lld %7lld\n", LabelName(names, label).c_str(), count(true), count(false));
  }
}

void PrintClip(const Dataset& dataset, std::int64_t index, const ClipStatistics& s) {
  std::printf("%s: %lld frames of %lld points;",
              IdOf(dataset, index).c_str(),
              static_cast<long long>(s.frames),
              static_cast<long long>(s.points));
  for (std::size_t k = 0; k < 3; ++k) {
    std::printf(" %c %.3f to %.3f%s", "xyz"[k], s.axes[k].low, s.axes[k].high, k < 2 ? "," : "");
  }
  std::printf(
      "%s%s\n", s.part_labels ? "; part labels" : "", s.correspondence ? "; correspondence" : "");
}

/// All clips that were read, together.
struct Summary {
  explicit Summary(const ReadClips& read) {
    for (const auto& [index, s] : read.clips) {
      frames.Add(static_cast<double>(s.frames));
      points.Add(static_cast<double>(s.points));
      distinct.Add(s.distinct_points);
      for (std::size_t k = 0; k < 3; ++k) axes[k].Add(s.axes[k]);
      if (s.padded_frames > 0) padded.emplace_back(index, s.padded_frames);
      if (s.repeated_frames > 0) repeated.emplace_back(index, s.repeated_frames);
    }
  }
  Range frames, points, distinct;
  std::array<Range, 3> axes;
  std::vector<std::pair<std::int64_t, std::int64_t>> padded, repeated;  ///< clip, frames
};

void PrintList(const Dataset& dataset,
               const char* what,
               const std::vector<std::pair<std::int64_t, std::int64_t>>& clips) {
  if (clips.empty()) return;
  std::printf("%s: %zu clips:", what, clips.size());
  for (std::size_t i = 0; i < std::min(clips.size(), kListed); ++i) {
    std::printf(" %s (%lld)",
                IdOf(dataset, clips[i].first).c_str(),
                static_cast<long long>(clips[i].second));
  }
  std::printf("%s\n", clips.size() > kListed ? " ..." : "");
}

void PrintSummary(const Dataset& dataset, const ReadClips& read, const Summary& all) {
  if (read.clips.empty()) return;
  std::printf("read   %zu of %zu clips\n", read.clips.size(), dataset.clips().size());
  const auto print = [](const char* what, const Range& r) {
    std::printf("%-34s %g to %g, mean %.4g\n", what, r.low, r.high, r.mean());
  };
  print("frames per clip", all.frames);
  print("points per frame", all.points);
  print("of these distinct", all.distinct);
  for (std::size_t k = 0; k < 3; ++k) print(std::string(1, "xyz"[k]).c_str(), all.axes[k]);
  PrintList(dataset, "short: last frame repeated", all.padded);
  PrintList(dataset, "frames equal to the one before", all.repeated);
}

std::vector<std::string> AlikeTexts(const Dataset& dataset, const ReadClips& read) {
  std::vector<std::string> texts;
  for (const auto& clips : read.alike) {
    std::string text;
    for (const std::int64_t index : clips)
      text += (text.empty() ? "" : ", ") + IdOf(dataset, index);
    texts.push_back(text);
  }
  return texts;
}

std::size_t PrintProblems(const Dataset& dataset, const ReadClips& read) {
  std::vector<std::string> lines;
  for (const FileProblem& p : dataset.problems()) lines.push_back(p.file + ": " + p.what);
  for (const auto& [index, why] : read.unreadable) lines.push_back(why);
  for (const std::string& ids : AlikeTexts(dataset, read)) {
    lines.push_back("the same points in " + ids);
  }
  std::printf("problems: %zu\n", lines.size());
  for (const std::string& line : lines) std::printf("  %s\n", line.c_str());
  return lines.size();
}

json ToJson(const Range& r) {
  return r.count == 0 ? json(nullptr) : json{{"min", r.low}, {"mean", r.mean()}, {"max", r.high}};
}

json IndexJson(const Dataset& dataset) {
  const Index index(dataset);
  json out = json::object(), classes = json::array();
  for (const bool train : {true, false}) {
    const auto videos = index.videos.find(train);
    out[train ? "train" : "test"] = {
        {"clips", index.clips.at(train)},
        {"videos", videos == index.videos.end() ? 0 : videos->second.size()}};
  }
  const auto names = dataset.class_names();
  for (const auto& [label, counts] : index.labels) {
    const auto train = counts.find(true), test = counts.find(false);
    classes.push_back({{"label", label},
                       {"name", LabelName(names, label)},
                       {"train", train == counts.end() ? 0 : train->second},
                       {"test", test == counts.end() ? 0 : test->second}});
  }
  out["classes"] = std::move(classes);
  out["part_names"] = dataset.part_names();
  out["fingerprint"] = dataset.Fingerprint();
  return out;
}

json ReadJson(const Dataset& dataset, const ReadClips& read) {
  const Summary all(read);
  const auto counts = [&](const auto& list) {
    json out = json::object();
    for (const auto& [index, frames] : list) out[IdOf(dataset, index)] = frames;
    return out;
  };
  json alike = json::array(), unreadable = json::array(), problems = json::array();
  for (const auto& clips : read.alike) {
    json ids = json::array();
    for (const std::int64_t index : clips) ids.push_back(IdOf(dataset, index));
    alike.push_back(std::move(ids));
  }
  for (const auto& [index, why] : read.unreadable) {
    unreadable.push_back({{"clip", IdOf(dataset, index)}, {"why", why}});
  }
  for (const FileProblem& p : dataset.problems()) {
    problems.push_back({{"file", p.file}, {"what", p.what}});
  }
  return {{"read", read.clips.size()},
          {"frames", ToJson(all.frames)},
          {"points", ToJson(all.points)},
          {"distinct_points", ToJson(all.distinct)},
          {"x", ToJson(all.axes[0])},
          {"y", ToJson(all.axes[1])},
          {"z", ToJson(all.axes[2])},
          {"short", counts(all.padded)},
          {"repeated_frames", counts(all.repeated)},
          {"duplicates", alike},
          {"unreadable", unreadable},
          {"problems", problems}};
}

}  // namespace

int InspectData(const InspectRequest& request) {
  at::set_num_threads(1);
  const OpenedDataset opened = OpenDataset(request.data);
  const Dataset& dataset = *opened.dataset;
  if (!request.json) PrintIndex(dataset);
  const auto count = static_cast<std::int64_t>(dataset.clips().size());
  std::vector<std::int64_t> indices(
      static_cast<std::size_t>(request.all ? count : std::min(request.clips, count)));
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<std::int64_t>(i);
  ReadClips read;
  {
    ProgressLine line("reading clip", static_cast<std::int64_t>(indices.size()));
    read =
        ReadAndMeasure(dataset, indices, ThreadCount(request.data.plugin), [&](std::int64_t done) {
          line.Show(done);
        });
  }
  const bool good =
      dataset.problems().empty() && read.unreadable.empty() && read.alike.empty() && count > 0;
  if (request.json) {
    json out = IndexJson(dataset);
    out["dataset"] = opened.source.plugin;
    out["version"] = opened.source.version;
    out.update(ReadJson(dataset, read));
    std::printf("%s\n", out.dump(1, ' ', false, json::error_handler_t::replace).c_str());
    return good ? 0 : 2;
  }
  if (!request.all) {
    for (const auto& [index, s] : read.clips) PrintClip(dataset, index, s);
  }
  PrintSummary(dataset, read, Summary(read));
  PrintProblems(dataset, read);
  return good ? 0 : 2;
}

}  // namespace cross4d::worker
