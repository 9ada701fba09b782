// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/diagnostics.h"
#include "core/config/catalog.h"

#include <cross4d/sdk/option.h>

#include <nlohmann/json.hpp>

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace cross4d::config {

/// The name of one thing that a file can set, taken apart.
///   dataset.plugin               {"", "dataset", "", "plugin"}
///   student.point4d.dim          {"", "student", "point4d", "dim"}
///   targets.dim                  {"", "targets", "", "dim"}
///   evaluate.probe.lr            {"probe", "", "", "lr"}
///   evaluate.probe.dataset.root  {"probe", "dataset", "", "root"}
struct OptionPath {
  std::string evaluation;
  std::string area;
  std::string plugin;
  std::string option;  ///< an option, "plugin" or "preset"

  std::string Text() const;
  auto operator<=>(const OptionPath&) const = default;
};

/// One value with the place it stands at.
struct Setting {
  OptionPath path;
  OptionValue value;
  base::SourceLocation where;  ///< of the value
  base::SourceLocation key;    ///< of its name
  std::string folder;          ///< absolute; what relative locations are relative to
  bool valid = true;           ///< false: an error was reported for it; not used
};

/// Settings of equal rank; a later layer wins over an earlier one.
using Layer = std::vector<Setting>;

/// One further dimension of a grid: a plain axis, a zip, or the rows.
struct Axis {
  std::vector<Layer> points;
  base::SourceLocation where;
};

/// Holds when every term's value is one of its `any_of`. The path "seed" is {"", "", "", "seed"}.
struct Condition {
  struct Term {
    OptionPath path;
    std::vector<OptionValue> any_of;
    base::SourceLocation where;
  };
  std::vector<Term> terms;
  base::SourceLocation where;
};

/// Axes that exist only where the condition holds.
struct ConditionalAxes {
  Condition condition;
  std::vector<Axis> axes;
};

/// A product of axes, less what is excluded. The file's own [grid] has the empty name.
struct Block {
  std::string name;
  base::SourceLocation where;
  std::vector<std::int64_t> seeds;
  Layer settings;
  std::vector<Axis> axes;  ///< in the order of the file; the last one varies fastest
  std::vector<ConditionalAxes> whens;
  std::vector<Condition> excludes;
};

struct Evaluation {
  std::string name;
  std::string protocol;
  base::SourceLocation where;
  bool own_dataset = false;  ///< has a `dataset` table: transfer
};

struct TableDefinition {
  std::string name;
  nlohmann::json definition;  ///< all keys of the [[table]]
  base::SourceLocation where;
};

/// `${NAME}` of a variable that is not set; kept in the value, an error once a run needs it.
struct UnsetVariable {
  std::string name;
  base::SourceLocation where;
};

/// A checked experiment file. Plain data; the layers rank base < block < overrides < axes.
struct Experiment {
  std::string name;
  std::string file;
  Layer base;
  Layer overrides;                      ///< from --set
  std::vector<Evaluation> evaluations;  ///< their options stand in the layers
  std::vector<Block> blocks;            ///< at least one
  std::vector<TableDefinition> tables;
  std::vector<UnsetVariable> unset_variables;
  std::map<std::string, std::vector<std::string>> source_lines;  ///< by file, for messages
  std::shared_ptr<const OptionCatalog> catalog;

  /// The text of the line at `where`; empty if there is none.
  std::string Line(const base::SourceLocation& where) const;
};

}  // namespace cross4d::config
