// SPDX-License-Identifier: Apache-2.0
#include "core/base/option_json.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <array>
#include <string>
#include <vector>

namespace cross4d::base {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 3> kRoles = {"key", "location", "runtime"};
constexpr std::array<const char*, 2> kRules = {"divides", "less-equal"};

template <std::size_t N>
std::size_t IndexOf(const std::array<const char*, N>& names,
                    const std::string& name,
                    const char* what) {
  for (std::size_t i = 0; i < N; ++i) {
    if (name == names[i]) return i;
  }
  FailInput(std::string("unknown ") + what + " \"" + name + "\" in an option table");
}

OptionType TypeFromName(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(OptionType::kStringList); ++i) {
    if (name == OptionTypeName(static_cast<OptionType>(i))) return static_cast<OptionType>(i);
  }
  FailInput("unknown type \"" + name + "\" in an option table");
}

/// The value with JSON's own type; numbers without a fraction are ints.
OptionValue Natural(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array())
    FailInput("an option's value is " + value.dump() + ", expected a plain value or a list");
  std::vector<std::int64_t> ints;
  std::vector<double> doubles;
  std::vector<std::string> strings;
  for (const json& element : value) {
    if (element.is_number_integer()) ints.push_back(element.get<std::int64_t>());
    if (element.is_number()) doubles.push_back(element.get<double>());
    if (element.is_string()) strings.push_back(element.get<std::string>());
  }
  if (ints.size() == value.size()) return ints;
  if (doubles.size() == value.size()) return doubles;
  if (strings.size() == value.size()) return strings;
  FailInput("a list option is " + value.dump() + ", expected numbers only or strings only");
}

OptionValue Typed(const json& value, const OptionSpec& spec) {
  OptionValue result = CoerceOption(spec.type, Natural(value));
  const std::string problem = CheckOption(spec, result);
  if (!problem.empty()) FailInput("option " + spec.name + " " + problem);
  return result;
}

json RowToJson(const OptionSpec& spec) {
  json row = {{"name", spec.name},
              {"type", OptionTypeName(spec.type)},
              {"default", ToJson(spec.default_value)},
              {"doc", spec.doc},
              {"role", kRoles[static_cast<std::size_t>(spec.role)]}};
  if (!spec.unit.empty()) row["unit"] = spec.unit;
  if (spec.min) row["min"] = *spec.min;
  if (spec.max) row["max"] = *spec.max;
  if (!spec.choices.empty()) row["choices"] = spec.choices;
  if (spec.tokenizer) row["tokenizer"] = true;
  if (spec.required) row["required"] = true;
  if (!spec.deprecated.empty()) row["deprecated"] = spec.deprecated;
  if (!spec.renamed_from.empty()) row["renamed_from"] = spec.renamed_from;
  return row;
}

OptionSpec RowFromJson(const json& row) {
  OptionSpec spec;
  spec.name = row.at("name").get<std::string>();
  spec.type = TypeFromName(row.at("type").get<std::string>());
  spec.default_value = CoerceOption(spec.type, Natural(row.at("default")));
  if (spec.default_value.index() != static_cast<std::size_t>(spec.type)) {
    FailInput("option " + spec.name + ": the default does not have the type " +
              row.at("type").dump());
  }
  spec.doc = row.value("doc", "");
  spec.unit = row.value("unit", "");
  spec.role = static_cast<OptionRole>(IndexOf(kRoles, row.value("role", "key"), "role"));
  if (row.contains("min")) spec.min = row["min"].get<double>();
  if (row.contains("max")) spec.max = row["max"].get<double>();
  spec.choices = row.value("choices", std::vector<std::string>{});
  spec.tokenizer = row.value("tokenizer", false);
  spec.required = row.value("required", false);
  spec.deprecated = row.value("deprecated", "");
  spec.renamed_from = row.value("renamed_from", "");
  return spec;
}

OptionSchema ParseSchema(const json& value) {
  OptionSchema schema;
  for (const json& row : value.at("options")) schema.options.push_back(RowFromJson(row));
  for (const json& row : value.value("presets", json::array())) {
    schema.presets.push_back({row.at("name").get<std::string>(),
                              row.value("doc", ""),
                              ValuesFromJson(row.at("values"), schema)});
  }
  for (const json& row : value.value("rules", json::array())) {
    const auto kind =
        static_cast<OptionRule::Kind>(IndexOf(kRules, row.at("kind").get<std::string>(), "rule"));
    schema.rules.push_back({kind, row.at("a").get<std::string>(), row.at("b").get<std::string>()});
  }
  return schema;
}

}  // namespace

json ToJson(const OptionValue& value) {
  return std::visit([](const auto& v) { return json(v); }, value);
}

json ToJson(const OptionValues& values) {
  json object = json::object();
  for (const auto& [name, value] : values) object[name] = ToJson(value);
  return object;
}

json ToJson(const OptionSchema& schema) {
  json result = {{"options", json::array()}};
  for (const OptionSpec& spec : schema.options) result["options"].push_back(RowToJson(spec));
  for (const OptionPreset& preset : schema.presets) {
    result["presets"].push_back(
        {{"name", preset.name}, {"doc", preset.doc}, {"values", ToJson(preset.values)}});
  }
  for (const OptionRule& rule : schema.rules) {
    result["rules"].push_back(
        {{"kind", kRules[static_cast<std::size_t>(rule.kind)]}, {"a", rule.a}, {"b", rule.b}});
  }
  return result;
}

OptionValues ValuesFromJson(const json& value, const OptionSchema& schema) {
  if (!value.is_object()) FailInput("options are " + value.dump() + ", expected a JSON object");
  OptionValues values;
  for (const auto& [name, element] : value.items()) {
    const OptionSpec* spec = FindOption(schema, name);
    if (spec == nullptr) FailInput("unknown option " + name);
    values[spec->name] = Typed(element, *spec);
  }
  return values;
}

OptionSchema SchemaFromJson(const json& value) {
  try {
    return ParseSchema(value);
  } catch (const json::exception& e) {
    FailInput(std::string("an option table is not readable: ") + e.what());
  }
}

std::string CanonicalKeyText(const OptionSchema& schema, const OptionValues& resolved) {
  json object = json::object();  // sorted by name
  for (const auto& [name, value] : resolved) {
    const OptionSpec* spec = FindOption(schema, name);
    if (spec == nullptr)
      throw Error(ErrorCode::kInternal, "no row for the resolved option " + name);
    if (spec->role == OptionRole::kKey) object[spec->name] = ToJson(value);
  }
  return object.dump();
}

}  // namespace cross4d::base
