// SPDX-License-Identifier: Apache-2.0
#include "core/config/read_context.h"

#include <algorithm>
#include <set>
#include <string>

namespace cross4d::config {
namespace {

// Where a setting stands; all null: anywhere in the file.
struct Scope {
  const Block* block = nullptr;
  const Axis* axis = nullptr;    // of a grid
  const Layer* point = nullptr;  // of the axis
};

// A schema that a path may mean, and what to call it.
struct Candidate {
  const OptionSchema* schema = nullptr;
  std::string owner;  // "dataset synthetic4d", "[targets]"
};

const std::string* TextOf(const OptionValue& value) { return std::get_if<std::string>(&value); }

void CollectPlugins(const Layer& layer,
                    const std::string& evaluation,
                    const std::string& role,
                    std::set<std::string>& out) {
  for (const Setting& s : layer) {
    const bool selects = s.path.evaluation == evaluation && s.path.area == role &&
                         s.path.plugin.empty() && s.path.option == "plugin";
    if (selects && s.valid && TextOf(s.value) != nullptr) out.insert(*TextOf(s.value));
  }
}

void CollectPlugins(const Block& block,
                    const Axis* except,
                    const std::string& evaluation,
                    const std::string& role,
                    std::set<std::string>& out) {
  CollectPlugins(block.settings, evaluation, role, out);
  const auto of_axes = [&](const std::vector<Axis>& axes) {
    for (const Axis& axis : axes) {
      if (&axis == except) continue;
      for (const Layer& point : axis.points) CollectPlugins(point, evaluation, role, out);
    }
  };
  of_axes(block.axes);
  for (const ConditionalAxes& when : block.whens) of_axes(when.axes);
}

class Checker {
 public:
  explicit Checker(const ReadContext& context) : context_(context) {}

  void CheckAll() {
    Experiment& e = context_.experiment;
    CheckLayer(e.base, {});
    CheckLayer(e.overrides, {});
    for (Block& block : e.blocks) {
      CheckLayer(block.settings, {&block});
      for (Axis& axis : block.axes) CheckAxis(axis, block);
      for (ConditionalAxes& when : block.whens) {
        CheckCondition(when.condition);
        for (Axis& axis : when.axes) CheckAxis(axis, block);
      }
      for (const Condition& condition : block.excludes) CheckCondition(condition);
    }
  }

  bool CheckPathExists(const OptionPath& path, const base::SourceLocation& where) {
    if (path.option == "plugin" && !path.area.empty()) return true;
    if (path.option == "protocol" && path.area.empty()) return true;
    bool known_plugin = true;
    const auto candidates = Candidates(path, where, {}, known_plugin);
    for (const Candidate& c : candidates) {
      const bool preset = path.option == "preset" && !c.schema->presets.empty();
      if (preset || FindOption(*c.schema, path.option) != nullptr) return true;
    }
    if (!candidates.empty()) UnknownOption(path, candidates.front(), where);
    return false;
  }

 private:
  void CheckAxis(Axis& axis, const Block& block) {
    for (Layer& point : axis.points) CheckLayer(point, {&block, &axis, &point});
  }

  void CheckLayer(Layer& layer, const Scope& scope) {
    std::set<OptionPath> seen;
    for (Setting& setting : layer) {
      // Also those that failed to read: their names can still be wrong.
      const bool named = CheckSetting(setting, scope);
      setting.valid = setting.valid && named;
      if (!seen.insert(setting.path).second) {
        context_.Error(setting.key, "`" + setting.path.Text() + "` is given twice");
        setting.valid = false;
      }
    }
  }

  bool CheckSetting(Setting& setting, const Scope& scope) {
    const OptionPath& path = setting.path;
    if (path.option == "plugin" && path.plugin.empty() && !path.area.empty() &&
        !context_.catalog.sections.contains(path.area)) {
      return !setting.valid || CheckPluginName(path.area, setting.value, setting.where);
    }
    bool known_plugin = true;
    const auto candidates = Candidates(path, setting.key, scope, known_plugin);
    if (!known_plugin) return false;
    if (candidates.empty()) return false;
    bool good = true;
    std::string renamed;
    for (const Candidate& candidate : candidates) {
      good = CheckOne(candidate, candidates, setting, renamed) && good;
      if (!good) break;
    }
    if (good && !renamed.empty()) setting.path.option = renamed;
    return good;
  }

  bool CheckOne(const Candidate& candidate,
                const std::vector<Candidate>& all,
                const Setting& setting,
                std::string& renamed) {
    const std::string& name = setting.path.option;
    if (name == "preset" && !candidate.schema->presets.empty()) {
      return !setting.valid || CheckPreset(candidate, setting);
    }
    const OptionSpec* spec = FindOption(*candidate.schema, name);
    if (spec == nullptr) {
      MissingOption(candidate, all, setting);
      return false;
    }
    if (spec->name != name) {
      context_.Warn(setting.key, "`" + name + "` is now called `" + spec->name + "`");
      renamed = spec->name;
    }
    if (!spec->deprecated.empty()) {
      context_.Warn(setting.key,
                    "`" + name + "` of " + candidate.owner + " is deprecated: " + spec->deprecated);
    }
    return !setting.valid || CheckValue(candidate, *spec, setting.value, setting.where);
  }

  bool CheckValue(const Candidate& candidate,
                  const OptionSpec& spec,
                  const OptionValue& value,
                  const base::SourceLocation& where) {
    const std::string problem = CheckOption(spec, CoerceOption(spec.type, value));
    if (problem.empty()) return true;
    std::string hint;
    if (const std::string* text = TextOf(value); text != nullptr && !spec.choices.empty()) {
      const std::string near = base::Nearest(*text, spec.choices);
      if (!near.empty()) hint = "; did you mean \"" + near + "\"?";
    }
    context_.Error(where, "`" + spec.name + "` of " + candidate.owner + " " + problem + hint);
    return false;
  }

  bool CheckPreset(const Candidate& candidate, const Setting& setting) {
    std::vector<std::string> names;
    for (const OptionPreset& p : candidate.schema->presets) names.push_back(p.name);
    const std::string* text = TextOf(setting.value);
    if (text != nullptr && std::find(names.begin(), names.end(), *text) != names.end()) return true;
    const std::string found = FormatOption(setting.value);
    context_.Error(setting.where,
                   candidate.owner + " has no preset " + found + Suggest(text ? *text : "", names));
    return false;
  }

  bool CheckPluginName(const std::string& role,
                       const OptionValue& value,
                       const base::SourceLocation& where) {
    const std::string* name = TextOf(value);
    if (name == nullptr) {
      context_.Error(where, "`plugin` is " + FormatOption(value) + ", expected a string");
      return false;
    }
    if (context_.catalog.FindPlugin(role, *name) != nullptr) return true;
    const std::vector<std::string> names = context_.catalog.PluginNames(role);
    context_.Error(
        where,
        "no " + role + " plugin is named `" + *name + "`" +
            (names.empty() ? "; none was found: see `cross4d plugins`" : Suggest(*name, names)));
    return false;
  }

  // The plugins that a path without a plugin's name speaks of.
  std::set<std::string> PluginsFor(const OptionPath& path, const Scope& scope) {
    const Experiment& e = context_.experiment;
    std::set<std::string> names;
    CollectPlugins(e.overrides, path.evaluation, path.area, names);
    if (!names.empty()) return names;
    // A zip or a row that selects the plugin speaks of that one only.
    if (scope.point != nullptr) {
      CollectPlugins(*scope.point, path.evaluation, path.area, names);
      if (!names.empty()) return names;
    }
    std::set<std::string> own;
    if (scope.block != nullptr) {
      CollectPlugins(scope.block->settings, path.evaluation, path.area, own);
    }
    if (own.empty()) CollectPlugins(e.base, path.evaluation, path.area, names);
    for (const Block& block : e.blocks) {
      if (scope.block != nullptr && scope.block != &block) continue;
      CollectPlugins(block, scope.axis, path.evaluation, path.area, names);
    }
    if (names.empty() && !path.evaluation.empty()) {
      OptionPath of_run = path;
      of_run.evaluation.clear();
      return PluginsFor(of_run, scope);
    }
    return names;
  }

  std::vector<Candidate> Candidates(const OptionPath& path,
                                    const base::SourceLocation& where,
                                    const Scope& scope,
                                    bool& known_plugin) {
    std::vector<Candidate> out;
    if (path.area.empty()) {
      for (const Evaluation& e : context_.experiment.evaluations) {
        const auto schema = context_.catalog.protocols.find(e.protocol);
        if (e.name == path.evaluation && schema != context_.catalog.protocols.end()) {
          out.push_back({&schema->second, "protocol " + e.protocol});
        }
      }
      return out;
    }
    if (const auto it = context_.catalog.sections.find(path.area);
        it != context_.catalog.sections.end()) {
      return {{&it->second, "[" + path.area + "]"}};
    }
    std::set<std::string> names;
    if (!path.plugin.empty()) {
      names.insert(path.plugin);
      known_plugin = CheckPluginName(path.area, path.plugin, where);
    } else {
      names = PluginsFor(path, scope);
      if (names.empty()) {
        context_.Error(where,
                       "`" + path.Text() + "`: the file selects no " + path.area +
                           "; add `plugin = ...` under [" + path.area + "]");
        known_plugin = false;
      }
    }
    for (const std::string& name : names) {
      const auto* plugin = context_.catalog.FindPlugin(path.area, name);
      if (plugin != nullptr) out.push_back({&plugin->options, path.area + " " + name});
    }
    return out;
  }

  void MissingOption(const Candidate& candidate,
                     const std::vector<Candidate>& all,
                     const Setting& setting) {
    std::string knows;
    for (const Candidate& other : all) {
      if (FindOption(*other.schema, setting.path.option) != nullptr) knows = other.owner;
    }
    if (knows.empty()) {
      UnknownOption(setting.path, candidate, setting.key);
      return;
    }
    const std::string plugin = knows.substr(knows.find(' ') + 1);
    context_.Error(setting.key,
                   "`" + setting.path.option + "` is an option of " + knows + " but not of " +
                       candidate.owner + ", which this file selects too; put it under [" +
                       setting.path.area + "." + plugin + "]");
  }

  void UnknownOption(const OptionPath& path,
                     const Candidate& candidate,
                     const base::SourceLocation& where) {
    std::vector<std::string> names;
    for (const OptionSpec& spec : candidate.schema->options) names.push_back(spec.name);
    if (!candidate.schema->presets.empty()) names.push_back("preset");
    context_.Error(
        where,
        "unknown option `" + path.option + "` of " + candidate.owner + Suggest(path.option, names));
  }

  void CheckCondition(const Condition& condition) {
    for (const Condition::Term& term : condition.terms) CheckTerm(term);
  }

  void CheckTerm(const Condition::Term& term) {
    const OptionPath& path = term.path;
    if (path.area.empty() && path.evaluation.empty()) return;  // the seed
    if (path.option == "plugin") {
      for (const OptionValue& value : term.any_of) CheckPluginName(path.area, value, term.where);
      return;
    }
    if (!CheckPathExists(path, term.where)) return;
    bool known_plugin = true;
    for (const Candidate& c : Candidates(path, term.where, {}, known_plugin)) {
      const OptionSpec* spec = FindOption(*c.schema, path.option);
      if (spec == nullptr) continue;
      for (const OptionValue& value : term.any_of) CheckValue(c, *spec, value, term.where);
      return;
    }
  }

  const ReadContext& context_;
};

}  // namespace

bool CheckPathExists(const ReadContext& context,
                     const OptionPath& path,
                     const base::SourceLocation& where) {
  return Checker(context).CheckPathExists(path, where);
}

void CheckSettings(const ReadContext& context) { Checker(context).CheckAll(); }

}  // namespace cross4d::config
