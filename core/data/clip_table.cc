// SPDX-License-Identifier: Apache-2.0
#include "core/data/clip_table.h"

#include "core/base/file.h"
#include "core/base/seed.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>

namespace cross4d::data {

using nlohmann::json;

std::vector<std::int64_t> ClipTable::Rows(bool train) const {
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < clips.size(); ++i) {
    if (clips[i].train == train) rows.push_back(static_cast<std::int64_t>(i));
  }
  return rows;
}

std::int64_t ClipTable::class_count() const {
  std::int64_t count = static_cast<std::int64_t>(classes.size());
  for (const ClipRow& clip : clips) count = std::max(count, clip.label + 1);
  return count;
}

void WriteClipTable(const std::filesystem::path& folder, const ClipTable& table) {
  json clips = json::array();
  for (const ClipRow& c : table.clips) {
    clips.push_back({{"id", c.id},
                     {"video", c.video},
                     {"label", c.label},
                     {"subject", c.subject},
                     {"split", c.train ? "train" : "test"}});
  }
  const json out = {{"classes", table.classes},
                    {"frames", table.frames},
                    {"points", table.points},
                    {"tokens", table.tokens},
                    {"clips", clips}};
  base::WriteFileAtomically(folder / kClipTableFile, out.dump(1) + "\n", false);
}

ClipTable ReadClipTable(const std::filesystem::path& folder) {
  const auto path = folder / kClipTableFile;
  try {
    const json in = json::parse(base::ReadFile(path));
    ClipTable table;
    in.at("classes").get_to(table.classes);
    in.at("frames").get_to(table.frames);
    in.at("points").get_to(table.points);
    in.at("tokens").get_to(table.tokens);
    for (const json& c : in.at("clips")) {
      table.clips.push_back({c.at("id").get<std::string>(),
                             c.at("video").get<std::string>(),
                             c.at("label").get<std::int64_t>(),
                             c.at("subject").get<std::int64_t>(),
                             c.at("split").get<std::string>() == "train"});
    }
    return table;
  } catch (const json::exception& e) {
    FailInput(path.string() + ": not a clip table: " + e.what());
  }
}

std::vector<std::int64_t> SubsetRows(const ClipTable& table, double subset) {
  std::vector<std::string> videos;
  std::set<std::string> seen;
  for (const ClipRow& clip : table.clips) {
    if (clip.train && seen.insert(clip.video).second) videos.push_back(clip.video);
  }
  const double wanted = subset <= 1 ? std::ceil(subset * static_cast<double>(videos.size()) - 1e-9)
                                    : std::floor(subset);
  base::SplitMix64 random(base::DeriveSeed(0, "pretrain-subset"));
  for (std::size_t i = videos.size(); i > 1; --i) std::swap(videos[i - 1], videos[random.Below(i)]);
  if (wanted < static_cast<double>(videos.size())) videos.resize(static_cast<std::size_t>(wanted));
  const std::set<std::string> kept(videos.begin(), videos.end());
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < table.clips.size(); ++i) {
    if (table.clips[i].train && kept.contains(table.clips[i].video)) {
      rows.push_back(static_cast<std::int64_t>(i));
    }
  }
  return rows;
}

}  // namespace cross4d::data
