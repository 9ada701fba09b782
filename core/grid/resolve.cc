// SPDX-License-Identifier: Apache-2.0
#include "core/grid/resolve.h"

#include "core/base/option_json.h"
#include "core/protocol/core_options.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

namespace cross4d::grid {
namespace {

using config::OptionPath;
using config::Setting;

// What was given, with the setting that gave it; `rank` grows from the file to the axes.
struct Given {
  struct Source {
    const Setting* setting = nullptr;
    int rank = 0;
  };
  OptionValues values;
  std::map<std::string, Source> sources;
  bool broken = false;  // a setting for it was refused before

  void Take(const OptionSchema& schema, const Setting& setting, int rank) {
    if (!setting.valid) {
      broken = true;
      return;
    }
    std::string name = setting.path.option;
    OptionValue value = setting.value;
    if (const OptionSpec* spec = FindOption(schema, name)) {
      name = spec->name;
      value = CoerceOption(spec->type, std::move(value));
      if (spec->role == OptionRole::kLocation) MakeAbsolute(setting.folder, value);
    }
    values[name] = std::move(value);
    sources[name] = {&setting, rank};
  }

  static void MakeAbsolute(const std::string& folder, OptionValue& value) {
    const auto convert = [&folder](std::string& text) {
      if (text.empty() || text.starts_with("${") || text.front() == '/') return;
      text = (std::filesystem::path(folder) / text).lexically_normal().string();
    };
    if (auto* text = std::get_if<std::string>(&value)) convert(*text);
    if (auto* list = std::get_if<std::vector<std::string>>(&value)) {
      std::for_each(list->begin(), list->end(), convert);
    }
  }
};

// `schema` without what ResolveOptions would throw for; that is reported with its place instead.
// Copied once per schema: a large grid resolves ten thousand times.
using PlainSchemas = std::map<const OptionSchema*, OptionSchema>;
const OptionSchema& WithoutChecks(const OptionSchema& schema, PlainSchemas& known) {
  const auto [plain, is_new] = known.emplace(&schema, OptionSchema());
  if (is_new) {
    plain->second = schema;
    plain->second.rules.clear();
    for (OptionSpec& spec : plain->second.options) spec.required = false;
  }
  return plain->second;
}

void CheckRequired(const OptionSchema& schema,
                   const std::string& owner,
                   const OptionValues& values,
                   const Given& given,
                   Part& part) {
  for (const OptionSpec& spec : schema.options) {
    if (!spec.required) continue;
    const auto* text = std::get_if<std::string>(&values.at(spec.name));
    const bool missing = text != nullptr ? text->empty() : !given.sources.contains(spec.name);
    if (missing) {
      part.problems.push_back(
          {part.where, owner + " needs the option `" + spec.name + "`: " + spec.doc});
    }
  }
}

void CheckRules(const OptionSchema& schema,
                const std::string& owner,
                const OptionValues& values,
                const Given& given,
                Part& part) {
  for (const OptionRule& rule : schema.rules) {
    OptionSchema one;
    one.rules.push_back(rule);
    for (const std::string& broken : BrokenRules(one, values)) {
      base::SourceLocation where = part.where;
      int rank = -1;
      for (const std::string& name : {rule.a, rule.b}) {
        const auto source = given.sources.find(name);
        if (source == given.sources.end() || source->second.rank <= rank) continue;
        rank = source->second.rank;
        where = source->second.setting->where;
      }
      part.problems.push_back({where, owner + ": " + broken});
    }
  }
}

OptionValues Resolve(const OptionSchema& schema,
                     const std::string& owner,
                     const Given& given,
                     PlainSchemas& known,
                     Part& part) {
  const OptionSchema& plain = WithoutChecks(schema, known);
  OptionValues values;
  try {
    values = ResolveOptions(plain, given.values);
  } catch (const Error& e) {
    part.problems.push_back({part.where, owner + ": " + e.message()});
    return ResolveOptions(plain, {});
  }
  if (given.broken) {
    part.reported = true;
  } else {
    CheckRequired(schema, owner, values, given, part);
    CheckRules(schema, owner, values, given, part);
  }
  return values;
}

void SetTexts(const std::string& prefix,
              const OptionValues& values,
              const Given& given,
              Part& part,
              OptionTexts texts) {
  // Not an option of its own, but what a table of presets is about.
  if (const auto preset = given.values.find("preset"); preset != given.values.end()) {
    part.preset = ShowValue(preset->second);
    texts.emplace_back(prefix + "preset", part.preset);
  }
  for (const auto& [name, value] : values) texts.emplace_back(prefix + name, ShowValue(value));
  part.texts = std::make_shared<const OptionTexts>(std::move(texts));
}

template <class Keep>
OptionValues Filter(const OptionSchema& schema, const OptionValues& values, const Keep& keep) {
  OptionValues kept;
  for (const OptionSpec& spec : schema.options) {
    if (keep(spec)) kept.emplace(spec.name, values.at(spec.name));
  }
  return kept;
}

}  // namespace

std::string ShowValue(const OptionValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? *text : FormatOption(value);
}

const OptionValue* Part::Find(const std::string& option) const {
  const OptionValues* values = plugin ? &plugin->options : options.get();
  if (values == nullptr) return nullptr;
  const auto found = values->find(option);
  return found == values->end() ? nullptr : &found->second;
}

/// Settings of one slot by rank: file, block, --set, axes; `own` = those of an evaluation's data
/// set, which rank above the run's.
struct Resolver::Layers {
  std::vector<SlotSettings> ranks;
  std::vector<SlotSettings> own;
};

Resolver::Resolver(const config::Experiment& experiment, const config::Block& block)
    : experiment_(experiment), block_(block) {
  memo_.resize(slots());
  NoteOwnDatasets();
}

void Resolver::NoteOwnDatasets() {
  for (const config::Evaluation& evaluation : experiment_.evaluations) {
    bool own = false;
    const auto scan = [&](const config::Layer& layer) {
      for (const Setting& s : layer) {
        own = own || (s.path.evaluation == evaluation.name && !s.path.area.empty());
      }
    };
    scan(experiment_.base);
    scan(experiment_.overrides);
    scan(block_.settings);
    for (const config::Axis& axis : block_.axes) {
      for (const config::Layer& point : axis.points) scan(point);
    }
    for (const config::ConditionalAxes& when : block_.whens) {
      for (const config::Axis& axis : when.axes) {
        for (const config::Layer& point : axis.points) scan(point);
      }
    }
    own_dataset_.push_back(own);
  }
}

std::size_t Resolver::SlotOf(const OptionPath& path) const {
  if (path.evaluation.empty()) {
    const std::vector<std::string>& roles = config::Roles();
    const auto role = std::find(roles.begin(), roles.end(), path.area);
    if (role != roles.end()) return static_cast<std::size_t>(role - roles.begin());
    return path.area == "targets" ? kTargets : path.area == "pretrain" ? kPretrain : slots();
  }
  for (std::size_t i = 0; i < experiment_.evaluations.size(); ++i) {
    if (experiment_.evaluations[i].name != path.evaluation) continue;
    return path.area.empty() ? EvaluationSlot(i) : EvaluationDatasetSlot(i);
  }
  return slots();
}

const Part& Resolver::Get(std::size_t slot, const std::vector<SlotSettings>& settings) {
  static const Part kNone;
  if (slot >= slots()) return kNone;
  const bool transfer = slot >= kFirstEvaluation && (slot - kFirstEvaluation) % 2 == 1;
  if (transfer && !own_dataset_[(slot - kFirstEvaluation) / 2]) return Get(kDataset, settings);
  const SlotSettings* signature = &settings[slot];
  SlotSettings joined;
  if (transfer) {
    // Without a plugin of its own it follows the run's data set.
    joined = settings[kDataset];
    joined.push_back(nullptr);
    joined.insert(joined.end(), settings[slot].begin(), settings[slot].end());
    signature = &joined;
  }
  const auto found = memo_[slot].find(*signature);
  if (found != memo_[slot].end()) return *found->second;
  return *memo_[slot]
              .emplace(*signature, std::make_unique<Part>(Make(slot, settings)))
              .first->second;
}

Resolver::Layers Resolver::Collect(std::size_t slot,
                                   const std::vector<SlotSettings>& settings) const {
  const auto collect = [&](std::size_t wanted) {
    std::vector<SlotSettings> ranks(4);
    const config::Layer* fixed[] = {&experiment_.base, &block_.settings, &experiment_.overrides};
    for (std::size_t rank = 0; rank < 3; ++rank) {
      for (const Setting& s : *fixed[rank]) {
        if (SlotOf(s.path) == wanted) ranks[rank].push_back(&s);
      }
    }
    ranks[3] = settings[wanted];
    return ranks;
  };
  if (slot < kFirstEvaluation || (slot - kFirstEvaluation) % 2 == 0) return {collect(slot), {}};
  return {collect(kDataset), collect(slot)};
}

Part Resolver::Make(std::size_t slot, const std::vector<SlotSettings>& settings) {
  const Layers layers = Collect(slot, settings);
  const config::OptionCatalog& catalog = *experiment_.catalog;
  static const OptionSchema kNone;
  const auto schema_of = [](const auto& map, const std::string& name) -> const OptionSchema& {
    const auto found = map.find(name);
    return found == map.end() ? kNone : found->second;
  };
  if (slot < kTargets) return MakeRole("", config::Roles()[slot], layers);
  if (slot < kFirstEvaluation) {
    const std::string section = slot == kTargets ? "targets" : "pretrain";
    const OptionSchema& schema = schema_of(catalog.sections, section);
    Part part = MakeOptions(section + ".", "[" + section + "]", "", schema, layers);
    if (slot == kTargets) {
      auto narrow = Filter(schema, *part.options, [](const OptionSpec& spec) {
        return protocol::IsFeatureOption(spec.name);
      });
      part.narrow_key_text = base::CanonicalKeyText(schema, narrow);
      part.narrow_options = std::make_shared<const OptionValues>(std::move(narrow));
    }
    return part;
  }
  const config::Evaluation& evaluation = experiment_.evaluations[(slot - kFirstEvaluation) / 2];
  if ((slot - kFirstEvaluation) % 2 == 1) return MakeRole(evaluation.name, "dataset", layers);
  const OptionSchema& schema = schema_of(catalog.protocols, evaluation.protocol);
  return MakeOptions("evaluate." + evaluation.name + ".",
                     "evaluation " + evaluation.name,
                     evaluation.protocol,
                     schema,
                     layers);
}

Part Resolver::MakeRole(const std::string& evaluation,
                        const std::string& role,
                        const Layers& layers) {
  Part part;
  part.where = {experiment_.file, 0, 0};
  std::string name;
  bool own_plugin = false;
  const auto select = [&](const std::vector<SlotSettings>& ranks, bool own) {
    for (const SlotSettings& rank : ranks) {
      for (const Setting* s : rank) {
        if (s->path.option != "plugin" || !s->path.plugin.empty()) continue;
        part.where = s->where;
        const auto* text = std::get_if<std::string>(&s->value);
        name = s->valid && text != nullptr ? *text : "";
        part.reported = name.empty();
        own_plugin = own;
      }
    }
  };
  select(layers.ranks, false);
  select(layers.own, true);
  const base::PluginDescription* plugin = experiment_.catalog->FindPlugin(role, name);
  if (plugin == nullptr) {
    part.selected = !name.empty() || part.reported;
    part.reported = part.reported || !name.empty();
    return part;
  }
  Given given;
  int rank = 0;
  const auto take = [&](const std::vector<SlotSettings>& ranks, bool with_common) {
    for (const SlotSettings& settings : ranks) {
      ++rank;
      for (const bool specific : {false, true}) {
        for (const Setting* s : settings) {
          const bool fits = specific ? s->path.plugin == name : s->path.plugin.empty();
          if (!fits || s->path.option == "plugin" || (!specific && !with_common)) continue;
          given.Take(plugin->options, *s, rank);
        }
      }
    }
  };
  take(layers.ranks, !own_plugin);
  take(layers.own, true);
  const std::string owner = role + " " + name;
  OptionValues values = Resolve(plugin->options, owner, given, plain_schemas_, part);
  const std::string prefix =
      (evaluation.empty() ? "" : "evaluate." + evaluation + ".") + role + ".";
  SetTexts(prefix, values, given, part, {{prefix + "plugin", name}});
  const std::string id = "\"" + name + "@" + plugin->version + "\",";
  part.key_text = "[" + id + base::CanonicalKeyText(plugin->options, values) + "]";
  if (role == "student") {
    const OptionValues tokenizer =
        Filter(plugin->options, values, [](const OptionSpec& spec) { return spec.tokenizer; });
    part.narrow_key_text = "[" + id + base::CanonicalKeyText(plugin->options, tokenizer) + "]";
  }
  part.plugin = std::make_shared<const ResolvedPlugin>(ResolvedPlugin{plugin, std::move(values)});
  return part;
}

Part Resolver::MakeOptions(const std::string& prefix,
                           const std::string& owner,
                           const std::string& protocol,
                           const OptionSchema& schema,
                           const Layers& layers) {
  Part part;
  part.where = {experiment_.file, 0, 0};
  Given given;
  int rank = 0;
  for (const SlotSettings& settings : layers.ranks) {
    ++rank;
    for (const Setting* s : settings) given.Take(schema, *s, rank);
  }
  OptionValues values = Resolve(schema, owner, given, plain_schemas_, part);
  OptionTexts texts;
  if (!protocol.empty()) texts.emplace_back(prefix + "protocol", protocol);
  SetTexts(prefix, values, given, part, std::move(texts));
  part.key_text = base::CanonicalKeyText(schema, values);
  part.options = std::make_shared<const OptionValues>(std::move(values));
  return part;
}

}  // namespace cross4d::grid
