// SPDX-License-Identifier: Apache-2.0
#include "core/config/read_context.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

namespace cross4d::config {
namespace {

bool Contains(const Axis& axis, const OptionPath& path) {
  return std::any_of(axis.points.begin(), axis.points.end(), [&](const Layer& point) {
    return std::any_of(
        point.begin(), point.end(), [&](const Setting& s) { return s.path == path; });
  });
}

// An axis of this key alone becomes one point; in a zip or the rows each point gets the value.
bool ReplaceInAxis(Axis& axis, const Setting& setting) {
  if (!Contains(axis, setting.path)) return false;
  const bool alone = std::all_of(
      axis.points.begin(), axis.points.end(), [](const Layer& point) { return point.size() == 1; });
  if (alone) axis.points.resize(1);
  for (Layer& point : axis.points) {
    std::erase_if(point, [&](const Setting& s) { return s.path == setting.path; });
    point.push_back(setting);
  }
  return true;
}

bool ReplaceInBlock(Block& block, const Setting& setting) {
  bool replaced = false;
  for (Axis& axis : block.axes) replaced = ReplaceInAxis(axis, setting) || replaced;
  // Elsewhere than under its condition the value holds as well: such an axis goes.
  for (ConditionalAxes& when : block.whens) {
    std::erase_if(when.axes, [&](const Axis& axis) { return Contains(axis, setting.path); });
  }
  std::erase_if(block.whens, [](const ConditionalAxes& when) { return when.axes.empty(); });
  return replaced;
}

void SetSpecial(const ReadContext& context, const std::string& key, const Node& value) {
  if (key == "name") {
    if (auto name = context.ReadName(value, "an experiment's name")) {
      context.experiment.name = *name;
    }
    return;
  }
  Node list = value;
  if (value.kind == Node::Kind::kInt) {
    list = Node{};
    list.kind = Node::Kind::kArray;
    list.where = value.where;
    list.items.push_back(value);
  }
  const std::vector<std::int64_t> seeds = ReadSeeds(context, list);
  for (Block& block : context.experiment.blocks) block.seeds = seeds;
}

}  // namespace

void ApplySet(const ReadContext& context, const std::string& assignment) {
  const base::SourceLocation where{"--set " + assignment, 0, 0};
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    context.Error(where, "expected key=value, as in --set pretrain.epochs=10");
    return;
  }
  const std::string key = assignment.substr(0, equals);
  const Node value = ParseSetValue(assignment.substr(equals + 1), where);
  if (key == "name" || key == "seeds" || key == "seed") {
    SetSpecial(context, key, value);
    return;
  }
  const std::optional<OptionPath> path = ParsePath(context, key, where);
  if (!path) return;
  Layer one;
  ReadSetting(context, *path, {key, where, value}, one);
  Setting& setting = one.front();
  setting.folder = std::filesystem::current_path().string();
  Experiment& e = context.experiment;
  std::erase_if(e.overrides, [&](const Setting& s) { return s.path == *path; });
  for (Block& block : e.blocks) ReplaceInBlock(block, setting);
  e.overrides.push_back(std::move(setting));
}

}  // namespace cross4d::config
