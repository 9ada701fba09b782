// SPDX-License-Identifier: Apache-2.0
#include "core/worker/data_command.h"

#include "core/base/option_json.h"
#include "core/plugin/load.h"
#include "core/protocol/core_options.h"
#include "core/worker/command.h"
#include "core/worker/command_line.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

namespace cross4d::worker {
namespace {

// DIR, unless --set names the location itself.
void AddFolder(const OptionSchema& schema, const DataRequest& request, OptionValues* values) {
  if (request.folder.empty()) return;
  for (const OptionSpec& option : schema.options) {
    if (option.role != OptionRole::kLocation || option.type != OptionType::kString) continue;
    if (!values->emplace(option.name, request.folder).second) {
      FailInput("the folder is given twice: '" + request.folder + "' and by --set " + option.name);
    }
    return;
  }
  FailInput("data set " + request.plugin.name + " takes no folder, found '" + request.folder + "'");
}

void AddDataArguments(CLI::App* app, DataRequest* request) {
  app->add_option(
      "folder", request->folder, "The folder of the data, as the data set's site gives it");
  app->add_option(
         "--dataset", request->plugin.name, "The data set's plugin, or the path of its .so")
      ->required();
  AddSettingArguments(app, &request->plugin);
}

CLI::App* AddInspect(CLI::App* app, InspectRequest* request) {
  CLI::App* inspect = app->add_subcommand(
      "inspect", "Splits, classes, clips, and what is missing, short, damaged or there twice");
  AddDataArguments(inspect, &request->data);
  inspect->get_option("--dataset")->required(false);
  inspect->add_option("--clips", request->clips, "How many clips to read")
      ->check(CLI::NonNegativeNumber);
  inspect->add_flag("--all", request->all, "Read every clip");
  inspect->add_flag("--json", request->json, "One JSON object on standard output");
  return inspect;
}

}  // namespace

OpenedDataset OpenDataset(const DataRequest& request) {
  const base::PluginDescription plugin = FindPlugin("dataset", request.plugin);
  OptionSchema schema = plugin.options;
  schema.options.push_back(protocol::PackOption());
  OptionValues values = ParseSettings(schema, request.plugin.settings);
  std::string pack;
  if (const auto found = values.find(protocol::PackOption().name); found != values.end()) {
    pack = std::get<std::string>(found->second);
    values.erase(found);
  }
  if (pack.empty()) AddFolder(plugin.options, request, &values);
  const OptionSpec* on_error = FindOption(plugin.options, "on_error");
  if (request.tolerant && on_error != nullptr && pack.empty() &&
      CheckOption(*on_error, std::string("skip")).empty()) {
    values.emplace("on_error", std::string("skip"));
  }
  // A pack stands in for the folder, which need not be given.
  OptionSchema unrequired = plugin.options;
  for (OptionSpec& option : unrequired.options) option.required = option.required && pack.empty();
  const OptionValues options = ResolveOptions(unrequired, values);
  OpenedDataset opened;
  opened.source = {plugin.name, plugin.version, base::CanonicalKeyText(plugin.options, options)};
  if (!pack.empty()) {
    opened.dataset = data::PackedDataset::Open(pack, opened.source);
    return opened;
  }
  PluginContext context;
  context.threads = ThreadCount(request.plugin);
  context.log = [](std::string_view text) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
  };
  opened.dataset = plugin::CreateDataset(plugin::Load(plugin), options, context);
  return opened;
}

ProgressLine::ProgressLine(std::string what, std::int64_t total)
    : what_(std::move(what)), total_(total), terminal_(isatty(2) == 1) {}

ProgressLine::~ProgressLine() {
  if (terminal_) std::fputs("\r\033[K", stderr);
}

void ProgressLine::Show(std::int64_t done) {
  if (!terminal_) return;
  std::fprintf(stderr,
               "\r%s %lld of %lld",
               what_.c_str(),
               static_cast<long long>(done),
               static_cast<long long>(total_));
}

int DataCommand(const std::vector<std::string>& arguments) {
  CLI::App app("Looks at, packs and shows a data set", "cross4d data");
  app.require_subcommand(1);
  InspectRequest inspect;
  const CLI::App* inspecting = AddInspect(&app, &inspect);
  DataRequest request;
  std::string file, clip, folder;
  CLI::App* pack = app.add_subcommand(
      "pack", "Decodes all clips into one memory-mapped file; goes on where it was interrupted");
  AddDataArguments(pack, &request);
  pack->add_option("--output", file, "The file; until it is whole, FILE.partial/ stands beside it")
      ->required();
  CLI::App* preview =
      app.add_subcommand("preview", "Writes a clip as a PLY file per frame and a sheet of images");
  AddDataArguments(preview, &request);
  preview->add_option("--clip", clip, "The clip's id")->required();
  preview->add_option("--output", folder, "The folder to write to")->required();
  if (const auto code = ParseArguments(&app, arguments)) return *code;

  if (inspecting->parsed()) {
    inspect.data.tolerant = true;
    // Without --dataset the one argument is the data set's name.
    if (inspect.data.plugin.name.empty()) std::swap(inspect.data.plugin.name, inspect.data.folder);
    if (inspect.data.plugin.name.empty()) FailInput("data inspect: which data set? --dataset NAME");
    return InspectData(inspect);
  }
  return pack->parsed() ? PackData(request, file) : PreviewData(request, clip, folder);
}

}  // namespace cross4d::worker
