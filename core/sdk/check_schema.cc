// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/option.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace cross4d {
inline namespace v1 {
namespace {

bool IsSnakeCase(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(), good);
}

bool IsNumeric(OptionType type) { return type == OptionType::kInt || type == OptionType::kDouble; }
bool IsText(OptionType type) {
  return type == OptionType::kString || type == OptionType::kStringList;
}

void CheckRow(const OptionSpec& spec, std::vector<std::string>& problems) {
  const auto add = [&](const std::string& text) {
    problems.push_back("option " + spec.name + " " + text);
  };
  if (!IsSnakeCase(spec.name)) add("is not snake_case (a-z, 0-9, _)");
  if (spec.name == "preset") add("has a reserved name: presets are chosen by it");
  if (spec.doc.empty()) add("has no doc");
  if (spec.min && spec.max && *spec.min > *spec.max) add("has a minimum above its maximum");
  if ((spec.min || spec.max) && (IsText(spec.type) || spec.type == OptionType::kBool)) {
    add("has a range but is no number");
  }
  const bool whole = spec.type == OptionType::kInt || spec.type == OptionType::kIntList;
  if (!spec.choices.empty() && !IsText(spec.type) && !whole) {
    add("has choices but is no string and no int");
  }
  if (spec.tokenizer && spec.role != OptionRole::kKey)
    add("decides Tokenize, so its role must be key");
  // A required string's default may be empty: it says "not given".
  const auto* text = std::get_if<std::string>(&spec.default_value);
  if (spec.required && text != nullptr && text->empty()) return;
  const std::string problem = CheckOption(spec, spec.default_value);
  if (!problem.empty()) add("has a bad default: it " + problem);
}

void CheckRules(const OptionSchema& schema, std::vector<std::string>& problems) {
  for (const OptionRule& rule : schema.rules) {
    for (const std::string& name : {rule.a, rule.b}) {
      const OptionSpec* spec = FindOption(schema, name);
      const bool divides = rule.kind == OptionRule::Kind::kDivides;
      if (spec == nullptr || spec->name != name) {
        problems.push_back("a rule names the unknown option " + name);
      } else if (!IsNumeric(spec->type) || (divides && spec->type != OptionType::kInt)) {
        problems.push_back("a rule compares option " + name + ", which is no " +
                           (divides ? "int" : "number"));
      }
    }
  }
}

void CheckPresets(const OptionSchema& schema, std::vector<std::string>& problems) {
  std::set<std::string> names;
  for (const OptionPreset& preset : schema.presets) {
    const std::string who = "preset " + preset.name;
    if (preset.name.empty() || !names.insert(preset.name).second) {
      problems.push_back(who + " has no name of its own");
    }
    if (preset.doc.empty()) problems.push_back(who + " has no doc");
    OptionValues values;
    for (const OptionSpec& spec : schema.options) values[spec.name] = spec.default_value;
    for (const auto& [name, value] : preset.values) {
      const OptionSpec* spec = FindOption(schema, name);
      const std::string problem = spec == nullptr ? "is unknown" : CheckOption(*spec, value);
      if (!problem.empty()) problems.push_back(who + ": option " + name + " " + problem);
      values[name] = value;
    }
    for (const std::string& broken : BrokenRules(schema, values))
      problems.push_back(who + ": " + broken);
  }
}

}  // namespace

std::vector<std::string> CheckSchema(const OptionSchema& schema) {
  std::vector<std::string> problems;
  std::set<std::string> names;
  OptionValues defaults;
  for (const OptionSpec& spec : schema.options) {
    CheckRow(spec, problems);
    if (!names.insert(spec.name).second)
      problems.push_back("option " + spec.name + " is declared twice");
    defaults[spec.name] = spec.default_value;
  }
  for (const OptionSpec& spec : schema.options) {
    if (!spec.renamed_from.empty() && !names.insert(spec.renamed_from).second) {
      problems.push_back("option " + spec.name + ": its old name " + spec.renamed_from +
                         " is in use");
    }
  }
  CheckRules(schema, problems);
  for (const std::string& broken : BrokenRules(schema, defaults))
    problems.push_back("defaults: " + broken);
  CheckPresets(schema, problems);
  return problems;
}

}  // namespace v1
}  // namespace cross4d
