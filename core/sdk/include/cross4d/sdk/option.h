// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/export.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// Options are declared once: a plain struct with default values and one table of rows. From the
/// table come the TOML check, grid axis checks, `cross4d plugins show`, the README's table, the
/// database's option rows and the content keys. Free of LibTorch.
namespace cross4d {
inline namespace v1 {

/// Order matters: it is the index of the matching alternative of OptionValue.
enum class OptionType { kBool, kInt, kDouble, kString, kIntList, kDoubleList, kStringList };

using OptionValue = std::variant<bool,
                                 std::int64_t,
                                 double,
                                 std::string,
                                 std::vector<std::int64_t>,
                                 std::vector<double>,
                                 std::vector<std::string>>;

/// Option name -> value. A resolved set has every option of its schema.
using OptionValues = std::map<std::string, OptionValue, std::less<>>;

/// What a value means for a result.
enum class OptionRole {
  kKey,       ///< decides the result: part of the content key
  kLocation,  ///< where something lies (paths): not in the key, the content's fingerprint is
              ///< compared
  kRuntime,   ///< how it is computed (threads, chunk): recorded, never in the key
};

/// One row of the table.
struct OptionSpec {
  std::string name;  ///< snake_case
  OptionType type = OptionType::kBool;
  OptionValue default_value;
  std::string doc;   ///< one sentence
  std::string unit;  ///< "px", "m", "deg", "s", …; empty = a pure number or no number
  OptionRole role = OptionRole::kKey;
  std::optional<double> min, max;    ///< inclusive; for lists, of every element
  std::vector<std::string> choices;  ///< of strings, and of ints ("1", "2"); empty = free
  bool tokenizer = false;  ///< students: decides Tokenize; the tokens stage's key has only these
  bool required = false;  ///< has no useful default: must be given (checked for strings: not empty)
  std::string deprecated;    ///< not empty: warn, and say what to use
  std::string renamed_from;  ///< old name that is still read, with a warning
};

/// A set of values that `preset = "NAME"` puts in place of the defaults; single keys override it.
struct OptionPreset {
  std::string name;
  std::string doc;
  OptionValues values;  ///< only those that differ from the defaults
};

/// A rule between options that the orchestrator checks without plugin code.
struct OptionRule {
  enum class Kind {
    kDivides,    ///< a divides b (b % a == 0)
    kLessEqual,  ///< a <= b
  };
  Kind kind = Kind::kDivides;
  std::string a, b;
};

struct OptionSchema {
  std::vector<OptionSpec> options;
  std::vector<OptionPreset> presets;  ///< not empty: the option `preset` is accepted as well
  std::vector<OptionRule> rules;
};

/// The row named `name`, or nullptr.
CROSS4D_API const OptionSpec* FindOption(const OptionSchema& schema, std::string_view name);
/// Empty, or what is wrong with one value: type, range, choice ("is 50, expected 0.1 to 20").
CROSS4D_API std::string CheckOption(const OptionSpec& spec, const OptionValue& value);
/// Whole numbers given for a double become doubles, single-element promotions likewise; others
/// stay.
CROSS4D_API OptionValue CoerceOption(OptionType type, OptionValue value);
/// Every option of `schema`: default, then preset (if `given` names one), then `given`. The chosen
/// preset's name is kept as "preset" only in `given`, never in the result. Throws Error on an
/// unknown name, a bad value, or a broken rule.
CROSS4D_API OptionValues ResolveOptions(const OptionSchema& schema, const OptionValues& given);
/// All rules that `values` break, as sentences.
CROSS4D_API std::vector<std::string> BrokenRules(const OptionSchema& schema,
                                                 const OptionValues& values);
/// What is wrong with a schema itself: empty doc, default outside its range, name not snake_case,
/// two alike.
CROSS4D_API std::vector<std::string> CheckSchema(const OptionSchema& schema);
/// "bool", "int", "double", "string", "list of int", …
CROSS4D_API std::string_view OptionTypeName(OptionType type);
/// As in TOML: true, 3, 0.5, "text", [1, 2].
CROSS4D_API std::string FormatOption(const OptionValue& value);

namespace option_internal {
template <class M>
struct Stored {
  using type = M;  // bool, double, string, lists
};
template <class M>
requires(std::is_integral_v<M> && !std::is_same_v<M, bool>) struct Stored<M> {
  using type = std::int64_t;
};
template <class M>
requires std::is_floating_point_v<M>
struct Stored<M> {
  using type = double;
};
}  // namespace option_internal

/// The table of one plain struct `S` whose members carry their defaults.
///
///   struct Options { std::int64_t bins = 8; std::string mode = "plain"; };
///   OptionTable<Options> Describe() {
///     OptionTable<Options> t;
///     t.Add("bins", &Options::bins, "Number of orientation bins.").Range(2, 64);
///     t.Add("mode", &Options::mode, "Feature set.").Choices({"plain", "motion"});
///     return t;
///   }
template <class S>
class OptionTable {
 public:
  /// Refines the row just added.
  class Row {
   public:
    explicit Row(OptionSpec& spec) : spec_(spec) {}
    Row& Range(double min, double max) { return spec_.min = min, spec_.max = max, *this; }
    Row& AtLeast(double min) { return spec_.min = min, *this; }
    Row& Choices(std::vector<std::string> c) { return spec_.choices = std::move(c), *this; }
    Row& Unit(std::string unit) { return spec_.unit = std::move(unit), *this; }
    Row& Location() { return spec_.role = OptionRole::kLocation, *this; }
    Row& Runtime() { return spec_.role = OptionRole::kRuntime, *this; }
    Row& Tokenizer() { return spec_.tokenizer = true, *this; }
    Row& Required() { return spec_.required = true, *this; }
    Row& Deprecated(std::string use) { return spec_.deprecated = std::move(use), *this; }
    Row& RenamedFrom(std::string old) { return spec_.renamed_from = std::move(old), *this; }

   private:
    OptionSpec& spec_;
  };

  template <class M>
  Row Add(std::string name, M S::*member, std::string doc) {
    using V = typename option_internal::Stored<M>::type;
    OptionSpec spec;
    spec.name = std::move(name);
    spec.default_value = OptionValue(static_cast<V>(S{}.*member));
    spec.type = static_cast<OptionType>(spec.default_value.index());
    spec.doc = std::move(doc);
    setters_.push_back(
        [member](S& s, const OptionValue& v) { s.*member = static_cast<M>(std::get<V>(v)); });
    getters_.push_back([member](const S& s) { return OptionValue(static_cast<V>(s.*member)); });
    schema_.options.push_back(std::move(spec));
    return Row(schema_.options.back());
  }

  /// `set` changes a default-constructed S into the preset. Call after all Add().
  OptionTable& Preset(std::string name, std::string doc, const std::function<void(S&)>& set) {
    S changed{};
    set(changed);
    OptionPreset preset{std::move(name), std::move(doc), {}};
    for (std::size_t i = 0; i < getters_.size(); ++i) {
      OptionValue v = getters_[i](changed);
      if (v != schema_.options[i].default_value) preset.values.emplace(schema_.options[i].name, v);
    }
    schema_.presets.push_back(std::move(preset));
    return *this;
  }
  /// `a` must divide `b`.
  OptionTable& Divides(std::string a, std::string b) {
    return AddRule(OptionRule::Kind::kDivides, a, b);
  }
  /// `a` must not exceed `b`.
  OptionTable& LessEqual(std::string a, std::string b) {
    return AddRule(OptionRule::Kind::kLessEqual, a, b);
  }

  const OptionSchema& schema() const { return schema_; }

  /// The struct with `values` resolved against the schema (see ResolveOptions for what throws).
  S Read(const OptionValues& values) const {
    const OptionValues resolved = ResolveOptions(schema_, values);
    S result{};
    for (std::size_t i = 0; i < setters_.size(); ++i) {
      setters_[i](result, resolved.at(schema_.options[i].name));
    }
    return result;
  }

 private:
  OptionTable& AddRule(OptionRule::Kind kind, std::string a, std::string b) {
    schema_.rules.push_back({kind, std::move(a), std::move(b)});
    return *this;
  }

  OptionSchema schema_;
  std::vector<std::function<void(S&, const OptionValue&)>> setters_;
  std::vector<std::function<OptionValue(const S&)>> getters_;
};

}  // namespace v1
}  // namespace cross4d
