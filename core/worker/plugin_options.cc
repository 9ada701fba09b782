// SPDX-License-Identifier: Apache-2.0
#include "core/worker/plugin_options.h"

#include "core/base/diagnostics.h"
#include "core/plugin/describe.h"
#include "core/plugin/discover.h"

#include <cross4d/sdk/error.h>

#include <charconv>
#include <thread>

namespace cross4d::worker {
namespace {

template <class T>
T ParseNumber(const std::string& name, const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    FailInput("option " + name + ": '" + text + "' is not a " +
              (std::is_integral_v<T> ? "whole number" : "number"));
  }
  return value;
}

bool ParseBool(const std::string& name, const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  FailInput("option " + name + ": '" + text + "' is neither true nor false");
}

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return parts;
}

template <class T>
std::vector<T> ParseList(const std::string& name, const std::string& text) {
  std::vector<T> values;
  for (const std::string& part : Split(text)) values.push_back(ParseNumber<T>(name, part));
  return values;
}

OptionValue ParseValue(const OptionSpec& spec, const std::string& text) {
  switch (spec.type) {
    case OptionType::kBool:
      return ParseBool(spec.name, text);
    case OptionType::kInt:
      return ParseNumber<std::int64_t>(spec.name, text);
    case OptionType::kDouble:
      return ParseNumber<double>(spec.name, text);
    case OptionType::kString:
      return text;
    case OptionType::kIntList:
      return ParseList<std::int64_t>(spec.name, text);
    case OptionType::kDoubleList:
      return ParseList<double>(spec.name, text);
    case OptionType::kStringList:
      return Split(text);
  }
  throw Error(ErrorCode::kInternal, "unknown option type");
}

}  // namespace

base::PluginDescription FindPlugin(const std::string& role, const PluginRequest& request) {
  if (request.name.ends_with(".so")) {
    base::PluginDescription plugin = plugin::DescribeFile(request.name);
    if (plugin.role == role) return plugin;
    FailInput(request.name + " is a " + plugin.role + ", expected a " + role);
  }
  const plugin::Discovery found = plugin::Discover(request.plugin_dirs);
  if (const auto* plugin = found.Find(role, request.name)) return *plugin;
  std::vector<std::string> names;
  for (const auto& plugin : found.usable) {
    if (plugin.role == role) names.push_back(plugin.name);
  }
  const std::string near = base::Nearest(request.name, names);
  FailInput(
      "no " + role + " '" + request.name + "'" +
      (near.empty() ? "; `cross4d plugins` lists what there is" : "; did you mean " + near + "?"));
}

OptionValues ParseSettings(const OptionSchema& schema, const std::vector<std::string>& settings) {
  OptionValues values;
  std::vector<std::string> names;
  for (const OptionSpec& option : schema.options) names.push_back(option.name);
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) FailInput("--set " + setting + ": expected KEY=VALUE");
    const std::string name = setting.substr(0, equals), text = setting.substr(equals + 1);
    const OptionSpec* option = FindOption(schema, name);
    if (option != nullptr) {
      values[name] = ParseValue(*option, text);
    } else if (name == "preset" && !schema.presets.empty()) {
      values[name] = text;
    } else {
      const std::string near = base::Nearest(name, names);
      FailInput("--set " + setting + ": no option '" + name + "'" +
                (near.empty() ? "" : "; did you mean " + near + "?"));
    }
  }
  return values;
}

int ThreadCount(const PluginRequest& request) {
  if (request.threads > 0) return request.threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace cross4d::worker
