// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/plugin_description.h"

#include <cross4d/sdk/option.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The parts of a plan are shared, not copied: a 10,000-run grid with 18 evaluations has 200,000
// stages and over a million option values, of which a few hundred differ.
namespace cross4d::grid {

/// A plugin with every option resolved; shared between the runs that use the same setting.
struct ResolvedPlugin {
  const base::PluginDescription* plugin = nullptr;
  OptionValues options;
};
using ResolvedPluginPtr = std::shared_ptr<const ResolvedPlugin>;
using ResolvedOptionsPtr = std::shared_ptr<const OptionValues>;

/// What a stage is made of, apart from seed and inputs; shared between stages.
struct StageContent {
  std::string protocol;                               ///< evaluation
  std::map<std::string, ResolvedPluginPtr> plugins;   ///< by role
  std::map<std::string, ResolvedOptionsPtr> options;  ///< "targets" | "pretrain" | "evaluate"
};

/// A stage of the plan. `inputs` are indices into PlanGraph::stages, by the kind of input.
struct StageNode {
  std::string key;
  std::string kind;
  std::int64_t seed = 0;                            ///< encoder and evaluation
  std::shared_ptr<const StageContent> content;      ///< never null
  std::vector<std::pair<const char*, int>> inputs;  ///< kind (protocol::kTokens, …) -> stage

  const std::map<std::string, ResolvedPluginPtr>& plugins() const { return content->plugins; }
  const std::map<std::string, ResolvedOptionsPtr>& options() const { return content->options; }
  const std::string& protocol() const { return content->protocol; }
};

struct RunStage {
  int stage = 0;           ///< index into PlanGraph::stages
  std::string evaluation;  ///< name of the evaluation; empty otherwise
};

/// Config path -> text ("targets.dim" -> "384", "objective.plugin" -> "dense"): strings without
/// quotes, the rest as in TOML.
using OptionTexts = std::vector<std::pair<std::string, std::string>>;

/// One combination of a grid; its seeds share it.
struct RunSetting {
  std::string block;  ///< name of the [[block]], empty = the file's own grid
  OptionTexts axes;   ///< swept path -> value as text, in the file's order, without the seed
  /// Resolved options by part (data set, teacher, …, one per evaluation); parts are shared between
  /// settings, so that equal pointers mean equal rows.
  std::vector<std::shared_ptr<const OptionTexts>> parts;
};

struct PlannedRun {
  std::string key;
  std::int64_t seed = 0;
  std::shared_ptr<const RunSetting> setting;  ///< never null
  std::vector<RunStage> stages;               ///< in the order of data flow

  const std::string& block() const { return setting->block; }
  const OptionTexts& axes() const { return setting->axes; }
  /// The text at a config path, or nullptr; not for "seed", "block", "experiment".
  const std::string* Find(std::string_view path) const;
  /// Every resolved option, and "seed", "block", "experiment": option rows and tables. Builds the
  /// map anew: for a whole grid, walk setting->parts instead.
  std::map<std::string, std::string> Options(const std::string& experiment) const;
};

/// Ordered runs and the stages they share; stages in topological order.
struct PlanGraph {
  std::string experiment;
  std::vector<PlannedRun> runs;
  std::vector<StageNode> stages;
  std::map<std::string, int> block_counts;  ///< runs per block before equal ones are merged
  std::shared_ptr<const void> keeps_alive;  ///< what plugin pointers point into
};

/// Where the plugin's data or weights lie: its location options as text; empty if it has none.
std::string LocationText(const ResolvedPlugin& plugin);

/// A location is not part of a key: what to say of two settings under one key that lie at different
/// places, or empty.
std::string LocationConflict(const std::string& role,
                             const ResolvedPlugin& first,
                             const ResolvedPlugin& second);

/// Names of variables that are not set but stand in the options as `${NAME}`.
std::vector<std::string> UnsetVariables(const ResolvedPlugin& plugin);
std::vector<std::string> UnsetVariables(const StageNode& stage);

}  // namespace cross4d::grid
