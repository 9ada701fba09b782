// SPDX-License-Identifier: Apache-2.0
#include "core/data/sources.h"
#include "core/plugin/load.h"
#include "core/worker/command.h"
#include "core/worker/command_line.h"

#include <cross4d/sdk/dataset.h>

#include <cstdio>
#include <map>
#include <set>

namespace cross4d::worker {
namespace {

void PrintIndex(const Dataset& dataset) {
  std::map<bool, std::int64_t> clips;
  std::map<bool, std::set<std::string>> videos;
  std::map<std::int64_t, std::map<bool, std::int64_t>> labels;
  for (const ClipInfo& clip : dataset.clips()) {
    const bool train = clip.split == Split::kTrain;
    ++clips[train];
    videos[train].insert(clip.video);
    ++labels[clip.label][train];
  }
  std::printf("train  %lld clips of %zu videos\n",
              static_cast<long long>(clips[true]),
              videos[true].size());
  std::printf("test   %lld clips of %zu videos\n",
              static_cast<long long>(clips[false]),
              videos[false].size());
  const auto names = dataset.class_names();
  std::printf("%-24s %7s %7s\n", "class", "train", "test");
  for (auto& [label, counts] : labels) {
    const bool named = label >= 0 && label < static_cast<std::int64_t>(names.size());
    const std::string name = named ? names[static_cast<std::size_t>(label)] : std::to_string(label);
    std::printf("%-24s %7lld %7lld\n",
                name.c_str(),
                static_cast<long long>(counts[true]),
                static_cast<long long>(counts[false]));
  }
}

void PrintClip(const Dataset& dataset, std::int64_t index) {
  const Clip clip = data::LoadClip(dataset, index, 0, 0);
  const torch::Tensor flat = clip.points.view({-1, 3});
  const torch::Tensor low = std::get<0>(flat.min(0)), high = std::get<0>(flat.max(0));
  std::printf("%s: %lld frames of %lld points;",
              dataset.clips()[static_cast<std::size_t>(index)].id.c_str(),
              static_cast<long long>(clip.points.size(0)),
              static_cast<long long>(clip.points.size(1)));
  for (std::int64_t k = 0; k < 3; ++k) {
    std::printf(" %c %.3f to %.3f%s",
                "xyz"[k],
                low[k].item<float>(),
                high[k].item<float>(),
                k < 2 ? "," : "");
  }
  std::printf("%s%s\n",
              clip.part_labels.defined() ? "; part labels" : "",
              clip.correspondence.defined() ? "; correspondence" : "");
}

}  // namespace

int DataInspect(const std::vector<std::string>& arguments) {
  CLI::App app("Looks at a data set", "cross4d-worker data");
  CLI::App* inspect = app.add_subcommand("inspect", "Splits, classes and the first clips");
  app.require_subcommand(1);
  PluginRequest request;
  std::int64_t clips = 3;
  AddPluginArguments(inspect, &request);
  inspect->add_option("--clips", clips, "How many clips to read")->check(CLI::NonNegativeNumber);
  if (const auto code = ParseArguments(&app, arguments)) return *code;

  const base::PluginDescription plugin = FindPlugin("dataset", request);
  PluginContext context;
  context.threads = ThreadCount(request);
  const auto dataset = plugin::CreateDataset(
      plugin::Load(plugin), ParseSettings(plugin.options, request.settings), context);
  PrintIndex(*dataset);
  const auto count = static_cast<std::int64_t>(dataset->clips().size());
  for (std::int64_t i = 0; i < std::min(clips, count); ++i) PrintClip(*dataset, i);
  return 0;
}

}  // namespace cross4d::worker
