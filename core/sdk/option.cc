// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>
#include <cross4d/sdk/option.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <string>

namespace cross4d {
inline namespace v1 {
namespace {

std::string Quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += std::string("\\u00") + kHex[(c >> 4) & 15] + kHex[c & 15];
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

std::string FormatDouble(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  std::string text(buffer, end);
  // TOML tells 1.0 from 1: a double must stay one when it is read back.
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string FormatOne(bool v) { return v ? "true" : "false"; }
std::string FormatOne(std::int64_t v) { return std::to_string(v); }
std::string FormatOne(double v) { return FormatDouble(v); }
std::string FormatOne(const std::string& v) { return Quoted(v); }
template <class T>
std::string FormatOne(const std::vector<T>& list) {
  std::string out = "[";
  for (std::size_t i = 0; i < list.size(); ++i) out += (i ? ", " : "") + FormatOne(list[i]);
  return out + "]";
}

/// For messages: 2 rather than 2.0.
std::string Bound(double value) {
  std::string text = FormatDouble(value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

std::string ExpectedRange(const OptionSpec& spec) {
  const std::string unit = spec.unit.empty() ? "" : " " + spec.unit;
  if (spec.min && spec.max) return Bound(*spec.min) + " to " + Bound(*spec.max) + unit;
  if (spec.min) return "at least " + Bound(*spec.min) + unit;
  if (spec.max) return "at most " + Bound(*spec.max) + unit;
  return "a finite number";
}

template <class T>
std::string CheckNumber(const OptionSpec& spec, T value) {
  const double v = static_cast<double>(value);
  const bool good =
      std::isfinite(v) && !(spec.min && v < *spec.min) && !(spec.max && v > *spec.max);
  return good ? "" : "is " + FormatOne(value) + ", expected " + ExpectedRange(spec);
}

/// `written` as the choices are: "1" for the number 1.
std::string CheckChoice(const OptionSpec& spec, const std::string& written, bool quote) {
  if (spec.choices.empty()) return "";
  if (std::find(spec.choices.begin(), spec.choices.end(), written) != spec.choices.end()) return "";
  const auto show = [quote](const std::string& text) { return quote ? Quoted(text) : text; };
  std::string text = "is " + show(written) + ", expected ";
  for (std::size_t i = 0; i < spec.choices.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == spec.choices.size() ? " or " : ", ") + show(spec.choices[i]);
  }
  return text;
}

std::string CheckOne(const OptionSpec&, bool) { return ""; }
std::string CheckOne(const OptionSpec& spec, std::int64_t value) {
  const std::string problem = CheckNumber(spec, value);
  return problem.empty() ? CheckChoice(spec, std::to_string(value), /*quote=*/false) : problem;
}
std::string CheckOne(const OptionSpec& spec, double value) { return CheckNumber(spec, value); }
std::string CheckOne(const OptionSpec& spec, const std::string& value) {
  return CheckChoice(spec, value, /*quote=*/true);
}
template <class T>
std::string CheckOne(const OptionSpec& spec, const std::vector<T>& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string problem = CheckOne(spec, list[i]);
    if (!problem.empty()) return "element " + std::to_string(i) + " " + problem;
  }
  return "";
}

std::string KnownNames(const OptionSchema& schema) {
  std::string text;
  for (const OptionSpec& spec : schema.options) text += (text.empty() ? "" : ", ") + spec.name;
  if (!schema.presets.empty()) text += ", preset";
  return text.empty() ? "it has no options" : "known are: " + text;
}

const OptionPreset* GivenPreset(const OptionSchema& schema, const OptionValues& given) {
  const auto it = given.find("preset");
  if (it == given.end() || schema.presets.empty()) return nullptr;
  const auto* name = std::get_if<std::string>(&it->second);
  std::string known;
  for (const OptionPreset& preset : schema.presets) {
    if (name != nullptr && preset.name == *name) return &preset;
    known += (known.empty() ? "" : ", ") + Quoted(preset.name);
  }
  FailInput("option preset is " + FormatOption(it->second) + ", expected one of " + known);
}

double NumberOf(const OptionValue& value) {
  if (const auto* i = std::get_if<std::int64_t>(&value)) return static_cast<double>(*i);
  if (const auto* d = std::get_if<double>(&value)) return *d;
  return std::nan("");
}

bool Breaks(const OptionRule& rule, const OptionValue& a, const OptionValue& b) {
  if (rule.kind == OptionRule::Kind::kLessEqual) return !(NumberOf(a) <= NumberOf(b));
  const auto* x = std::get_if<std::int64_t>(&a);
  const auto* y = std::get_if<std::int64_t>(&b);
  return x == nullptr || y == nullptr || *x == 0 || *y % *x != 0;
}

OptionValues Defaults(const OptionSchema& schema) {
  OptionValues values;
  for (const OptionSpec& spec : schema.options) values[spec.name] = spec.default_value;
  return values;
}

void Put(const OptionSchema& schema,
         const std::string& name,
         const OptionValue& value,
         OptionValues& to) {
  const OptionSpec* spec = FindOption(schema, name);
  if (spec == nullptr) FailInput("unknown option " + name + "; " + KnownNames(schema));
  OptionValue coerced = CoerceOption(spec->type, value);
  const std::string problem = CheckOption(*spec, coerced);
  if (!problem.empty()) FailInput("option " + name + " " + problem);
  to[spec->name] = std::move(coerced);
}

}  // namespace

const OptionSpec* FindOption(const OptionSchema& schema, std::string_view name) {
  for (const OptionSpec& spec : schema.options) {
    if (spec.name == name) return &spec;
  }
  for (const OptionSpec& spec : schema.options) {
    if (!spec.renamed_from.empty() && spec.renamed_from == name) return &spec;
  }
  return nullptr;
}

std::string CheckOption(const OptionSpec& spec, const OptionValue& value) {
  if (value.index() != static_cast<std::size_t>(spec.type)) {
    return "is " + FormatOption(value) + " (" +
           std::string(OptionTypeName(static_cast<OptionType>(value.index()))) + "), expected " +
           std::string(OptionTypeName(spec.type));
  }
  return std::visit([&spec](const auto& v) { return CheckOne(spec, v); }, value);
}

OptionValue CoerceOption(OptionType type, OptionValue value) {
  const auto is_empty_list = [](const auto& v) {
    if constexpr (
        requires {
          v.size();
          v.front();
        } &&
        !requires { v.c_str(); })
      return v.empty();
    return false;
  };
  // An empty list has no element that would tell its type.
  const bool empty = std::visit(is_empty_list, value);
  if (type == OptionType::kDouble) {
    if (const auto* i = std::get_if<std::int64_t>(&value)) return static_cast<double>(*i);
  } else if (type == OptionType::kIntList) {
    if (empty) return std::vector<std::int64_t>{};
    if (const auto* i = std::get_if<std::int64_t>(&value)) return std::vector<std::int64_t>{*i};
  } else if (type == OptionType::kDoubleList) {
    if (empty) return std::vector<double>{};
    if (const auto* i = std::get_if<std::int64_t>(&value)) {
      return std::vector<double>{static_cast<double>(*i)};
    }
    if (const auto* d = std::get_if<double>(&value)) return std::vector<double>{*d};
    if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) {
      return std::vector<double>(list->begin(), list->end());
    }
  } else if (type == OptionType::kStringList) {
    if (empty) return std::vector<std::string>{};
    if (const auto* s = std::get_if<std::string>(&value)) return std::vector<std::string>{*s};
  }
  return value;
}

OptionValues ResolveOptions(const OptionSchema& schema, const OptionValues& given) {
  OptionValues result = Defaults(schema);
  const OptionPreset* preset = GivenPreset(schema, given);
  if (preset != nullptr) {
    for (const auto& [name, value] : preset->values) Put(schema, name, value, result);
  }
  std::set<std::string> seen;
  for (const auto& [name, value] : given) {
    if (name == "preset" && preset != nullptr) continue;
    Put(schema, name, value, result);
    if (!seen.insert(FindOption(schema, name)->name).second) {
      FailInput("option " + FindOption(schema, name)->name +
                " is given under its old name as well");
    }
  }
  for (const OptionSpec& spec : schema.options) {
    const auto* text = std::get_if<std::string>(&result.at(spec.name));
    if (spec.required && (text != nullptr ? text->empty() : !seen.contains(spec.name))) {
      FailInput("option " + spec.name + " is required and was not given: " + spec.doc);
    }
  }
  const std::vector<std::string> broken = BrokenRules(schema, result);
  if (!broken.empty()) FailInput(broken.front());
  return result;
}

std::vector<std::string> BrokenRules(const OptionSchema& schema, const OptionValues& values) {
  std::vector<std::string> result;
  for (const OptionRule& rule : schema.rules) {
    const auto a = values.find(rule.a), b = values.find(rule.b);
    if (a == values.end() || b == values.end() || !Breaks(rule, a->second, b->second)) continue;
    const bool divides = rule.kind == OptionRule::Kind::kDivides;
    result.push_back("option " + rule.a + " = " + FormatOption(a->second) +
                     (divides ? " must divide " : " must not exceed ") + rule.b + " = " +
                     FormatOption(b->second));
  }
  return result;
}

std::string_view OptionTypeName(OptionType type) {
  static constexpr std::string_view kNames[] = {
      "bool", "int", "double", "string", "list of int", "list of double", "list of string"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string FormatOption(const OptionValue& value) {
  return std::visit([](const auto& v) { return FormatOne(v); }, value);
}

}  // namespace v1
}  // namespace cross4d
