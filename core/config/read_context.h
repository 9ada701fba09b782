// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/diagnostics.h"
#include "core/config/catalog.h"
#include "core/config/document.h"
#include "core/config/experiment.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::config {

/// What all readers of one experiment share.
struct ReadContext {
  const OptionCatalog& catalog;
  const Document& document;
  const Environment& environment;
  base::Diagnostics& diagnostics;
  Experiment& experiment;

  void Error(const base::SourceLocation& where, const std::string& message) const;
  void Warn(const base::SourceLocation& where, const std::string& message) const;
  /// Error unless the node is of that kind.
  bool Expect(const Node& node, Node::Kind kind, std::string_view what) const;
  /// The text of a `name` that may stand in paths and keys; nullopt after an error.
  std::optional<std::string> ReadName(const Node& node, std::string_view what) const;
};

/// "; did you mean `x`?", or the known ones, or nothing.
std::string Suggest(std::string_view word, const std::vector<std::string>& known);

/// Takes a dotted path apart; nullopt after an error. Evaluations must have been read before.
/// `with_seed`: "seed" is a path as well (conditions).
std::optional<OptionPath> ParsePath(const ReadContext& context,
                                    const std::string& text,
                                    const base::SourceLocation& where,
                                    bool with_seed = false);

/// The value of an option; nullopt after an error. Expands `${NAME}`.
std::optional<OptionValue> ReadValue(const ReadContext& context, const Node& node);

/// Appends one setting; nothing after an error.
void ReadSetting(const ReadContext& context, OptionPath path, const Entry& entry, Layer& layer);
/// Appends the settings of [role] (with [role.<plugin>]), of a section, or of an evaluation.
void ReadRoleTable(const ReadContext& context,
                   const std::string& evaluation,
                   const std::string& role,
                   const Entry& table,
                   Layer& layer);
void ReadSectionTable(const ReadContext& context, const Entry& table, Layer& layer);
void ReadEvaluationOptions(const ReadContext& context,
                           const std::string& evaluation,
                           const Node& table,
                           Layer& layer);
/// Roles and sections of a table (the file or a [[block]]); the other keys are left alone.
void ReadSettingTables(const ReadContext& context, const Node& table, Layer& layer);

/// [grid] of the file or of a block.
void ReadGrid(const ReadContext& context, const Node& grid, Block& block);
std::vector<std::int64_t> ReadSeeds(const ReadContext& context, const Node& node);

/// All [[table]] entries.
void ReadTables(const ReadContext& context, const Node& tables);

/// One `--set key=value`: into the overrides, or in place of the axis with that key.
void ApplySet(const ReadContext& context, const std::string& assignment);

/// Error unless the path names an option of a plugin, section or protocol that the file uses.
bool CheckPathExists(const ReadContext& context,
                     const OptionPath& path,
                     const base::SourceLocation& where);

/// Checks every value against the catalog, with the plugins that the file gives each role; marks
/// bad settings as not valid.
void CheckSettings(const ReadContext& context);

}  // namespace cross4d::config
