// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>
#include <cross4d/sdk/option.h>

#include <optional>
#include <string>
#include <vector>

namespace cross4d::conformance {
namespace {

std::vector<OptionValue> Candidates(const OptionSpec&, bool value) { return {OptionValue(!value)}; }

std::vector<OptionValue> Candidates(const OptionSpec&, std::int64_t value) {
  return {OptionValue(value * 2),
          OptionValue(value / 2),
          OptionValue(value + 1),
          OptionValue(value - 1)};
}

std::vector<OptionValue> Candidates(const OptionSpec&, double value) {
  return {OptionValue(value * 1.5), OptionValue(value * 0.5), OptionValue(value + 0.5)};
}

std::vector<OptionValue> Candidates(const OptionSpec& spec, const std::string& value) {
  std::vector<OptionValue> result;
  for (const std::string& choice : spec.choices) {
    if (choice != value) result.emplace_back(choice);
  }
  return result;
}

std::vector<OptionValue> Candidates(const OptionSpec&, const std::vector<std::string>&) {
  return {};
}

template <class T>
std::vector<OptionValue> Candidates(const OptionSpec&, const std::vector<T>& list) {
  std::vector<OptionValue> result;
  for (const double factor : {0.5, 2.0}) {
    std::vector<T> scaled = list;
    for (T& element : scaled) element = static_cast<T>(static_cast<double>(element) * factor);
    result.emplace_back(scaled);
  }
  return result;
}

}  // namespace

std::vector<OptionValues> Variants(const OptionSchema& schema,
                                   const OptionValues& base,
                                   const std::string& name) {
  const OptionSpec* spec = FindOption(schema, name);
  const OptionValue& value = base.at(name);
  std::vector<OptionValues> result;
  const auto candidates = std::visit([spec](const auto& v) { return Candidates(*spec, v); }, value);
  for (const OptionValue& candidate : candidates) {
    OptionValues changed = base;
    changed[name] = candidate;
    if (candidate == value) continue;
    try {
      result.push_back(ResolveOptions(schema, changed));
    } catch (const Error&) {
      // Out of range or against a rule: the next candidate may fit.
    }
  }
  return result;
}

}  // namespace cross4d::conformance
