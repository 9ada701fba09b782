// SPDX-License-Identifier: Apache-2.0
#include "core/run/stage_plugins.h"

#include "core/base/option_json.h"
#include "core/data/pack.h"
#include "core/plugin/describe.h"
#include "core/plugin/load.h"
#include "core/protocol/core_options.h"

#include <cross4d/sdk/error.h>

#include <map>
#include <tuple>
#include <utility>

namespace cross4d::run {
namespace {

// A library is loaded once per process and never replaced, so it is checked once per planned build.
const PluginRecord& LoadPlanned(const protocol::SpecPlugin& planned) {
  static std::map<std::tuple<std::string, std::string, std::string>, const PluginRecord*> loaded;
  const PluginRecord*& record = loaded[{planned.file, planned.build_id, planned.sha256}];
  if (record == nullptr) {
    record = &plugin::LoadFile(planned.file, {planned.build_id, planned.sha256});
  }
  if (record->name != planned.name || record->version != planned.version) {
    throw Error(ErrorCode::kPlugin,
                planned.file + " is " + record->name + " " + record->version + ", the plan has " +
                    planned.name + " " + planned.version);
  }
  return *record;
}

// What the planned library's descriptor says; read once, as the library is.
const base::PluginDescription& DescribePlanned(const protocol::SpecPlugin& planned) {
  static std::map<std::tuple<std::string, std::string, std::string>, base::PluginDescription> known;
  const std::tuple key{planned.file, planned.build_id, planned.sha256};
  const auto it = known.find(key);
  return it != known.end() ? it->second
                           : known.emplace(key, plugin::DescribeFile(planned.file)).first->second;
}

// Takes the host's own option out of those of the plugin.
std::string TakePack(OptionValues* options) {
  const auto found = options->find(protocol::PackOption().name);
  if (found == options->end()) return {};
  const auto* text = std::get_if<std::string>(&found->second);
  std::string pack = text == nullptr ? "" : *text;
  options->erase(found);
  return pack;
}

// A file system path among the options, for messages.
std::string LocationOf(const protocol::SpecPlugin& plugin) {
  OptionValues options = plugin.options;
  if (const std::string pack = TakePack(&options); !pack.empty()) return pack;
  for (const OptionSpec& option : DescribePlanned(plugin).options.options) {
    const auto it = plugin.options.find(option.name);
    if (option.role != OptionRole::kLocation || it == plugin.options.end()) continue;
    if (const auto* text = std::get_if<std::string>(&it->second)) return *text;
  }
  return "its present location";
}

}  // namespace

StagePlugins::StagePlugins(const protocol::StageSpec& spec, protocol::Reporter& reporter)
    : spec_(spec), reporter_(reporter) {}

const protocol::SpecPlugin& StagePlugins::Spec(const std::string& role) const {
  const auto it = spec_.plugins.find(role);
  if (it == spec_.plugins.end()) {
    throw Error(ErrorCode::kInternal, "stage spec: " + spec_.kind + " stage without a " + role);
  }
  return it->second;
}

const base::PluginDescription& StagePlugins::Describe(const std::string& role) const {
  return DescribePlanned(Spec(role));
}

PluginContext StagePlugins::Context(int threads) const {
  return {threads, spec_.device, [this](std::string_view text) { reporter_.Log(text); }};
}

std::unique_ptr<Dataset> StagePlugins::MakeDataset() const {
  const auto& p = Spec("dataset");
  OptionValues options = p.options;
  const std::string pack = TakePack(&options);
  if (pack.empty()) return plugin::CreateDataset(LoadPlanned(p), options, Context(spec_.threads));
  const OptionSchema& schema = DescribePlanned(p).options;
  const std::string key = base::CanonicalKeyText(schema, ResolveOptions(schema, options));
  return data::PackedDataset::Open(pack, data::PackSource{p.name, p.version, key});
}

std::unique_ptr<Teacher> StagePlugins::MakeTeacher() const {
  const auto& p = Spec("teacher");
  return plugin::CreateTeacher(LoadPlanned(p), p.options, Context(spec_.threads));
}

std::shared_ptr<Student> StagePlugins::MakeStudent(int threads) const {
  const auto& p = Spec("student");
  return plugin::CreateStudent(LoadPlanned(p), p.options, Context(threads));
}

std::shared_ptr<Objective> StagePlugins::MakeObjective() const {
  const auto& p = Spec("objective");
  return plugin::CreateObjective(LoadPlanned(p), p.options, Context(spec_.threads));
}

std::string CheckedFingerprint(const std::string& found, const protocol::SpecPlugin& plugin) {
  if (plugin.fingerprint.empty() || plugin.fingerprint == found) return found;
  FailInput(plugin.name + ": the content at " + LocationOf(plugin) + " has the fingerprint " +
            found + ", but that at " + plugin.fingerprint_location +
            ", used before with the same options, has " + plugin.fingerprint +
            "; point both at the same content, or give the other one a name or version option of "
            "its own");
}

}  // namespace cross4d::run
