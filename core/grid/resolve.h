// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/diagnostics.h"
#include "core/config/experiment.h"
#include "core/grid/plan_graph.h"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace cross4d::grid {

/// One part of a run with its values resolved: a plugin, a section, an evaluation, or the data set
/// of an evaluation. Immutable and shared by all combinations that give it the same settings.
struct Part {
  ResolvedPluginPtr plugin;    ///< roles
  ResolvedOptionsPtr options;  ///< sections and evaluations
  std::shared_ptr<const OptionTexts> texts;
  std::string key_text;         ///< for keys: name@version and options of role `key`
  std::string narrow_key_text;  ///< students: tokenizer options only; targets: feature options only
  ResolvedOptionsPtr narrow_options;  ///< targets: feature options only
  std::string preset;                 ///< as given; empty = none
  bool selected = true;               ///< false: the file names no plugin for the role
  bool reported = false;              ///< an error about it was reported already: cannot be used
  struct Problem {
    base::SourceLocation where;
    std::string message;
  };
  std::vector<Problem> problems;  ///< why it cannot be used
  base::SourceLocation where;     ///< of the plugin's selection

  bool usable() const { return selected && !reported && problems.empty(); }
  /// The resolved value of an option, or nullptr.
  const OptionValue* Find(const std::string& option) const;
};

/// The settings of one combination of a grid, by the part they belong to.
using SlotSettings = std::vector<const config::Setting*>;

/// Resolves the parts of one block's combinations, each distinct one once.
class Resolver {
 public:
  Resolver(const config::Experiment& experiment, const config::Block& block);

  // Slots: the roles, "targets", "pretrain", then per evaluation its options and its data set.
  static constexpr std::size_t kDataset = 0, kTeacher = 1, kStudent = 2, kObjective = 3;
  static constexpr std::size_t kTargets = 4, kPretrain = 5, kFirstEvaluation = 6;
  std::size_t slots() const { return kFirstEvaluation + 2 * experiment_.evaluations.size(); }
  static std::size_t EvaluationSlot(std::size_t i) { return kFirstEvaluation + 2 * i; }
  static std::size_t EvaluationDatasetSlot(std::size_t i) { return kFirstEvaluation + 2 * i + 1; }
  std::size_t SlotOf(const config::OptionPath& path) const;
  /// Evaluation `i` has settings for a data set somewhere in this block.
  bool HasOwnDataset(std::size_t i) const { return own_dataset_[i]; }

  /// The part in `slot` when a combination sets `settings[slot]`.
  const Part& Get(std::size_t slot, const std::vector<SlotSettings>& settings);

 private:
  struct Layers;
  void NoteOwnDatasets();
  Part Make(std::size_t slot, const std::vector<SlotSettings>& settings);
  Part MakeRole(const std::string& evaluation, const std::string& role, const Layers& layers);
  Part MakeOptions(const std::string& prefix,
                   const std::string& owner,
                   const std::string& protocol,
                   const OptionSchema& schema,
                   const Layers& layers);
  Layers Collect(std::size_t slot, const std::vector<SlotSettings>& settings) const;

  const config::Experiment& experiment_;
  const config::Block& block_;
  std::vector<bool> own_dataset_;
  std::vector<std::map<SlotSettings, std::unique_ptr<Part>>> memo_;  // by slot
  std::map<const OptionSchema*, OptionSchema> plain_schemas_;
};

/// As shown in tables and option rows: strings without quotes, the rest as in TOML.
std::string ShowValue(const OptionValue& value);

}  // namespace cross4d::grid
