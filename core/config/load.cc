// SPDX-License-Identifier: Apache-2.0
#include "core/config/load.h"

#include "core/config/read_context.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

namespace cross4d::config {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

class ExperimentReader {
 public:
  ExperimentReader(const ReadContext& context, const LoadRequest& request)
      : context_(context), root_(context.document.root), request_(request) {}

  void Read() {
    CheckKeys(root_, "", {"name", "seeds", "evaluate", "grid", "block", "table"});
    ReadName();
    if (const Entry* seeds = root_.Find("seeds")) seeds_ = ReadSeeds(context_, seeds->value);
    ReadEvaluations();
    ReadSettingTables(context_, root_, context_.experiment.base);
    ReadBlocks();
    for (const std::string& assignment : request_.set) ApplySet(context_, assignment);
    CheckSettings(context_);
    if (const Entry* tables = root_.Find("table"); tables && ExpectTables(*tables)) {
      ReadTables(context_, tables->value);
    }
    if (request_.seeds) {
      for (Block& block : context_.experiment.blocks) block.seeds = *request_.seeds;
    }
  }

 private:
  // Roles and sections may always stand; the rest is given.
  void CheckKeys(const Node& table, const std::string& owner, std::vector<std::string> known) {
    for (const std::string& role : Roles()) known.push_back(role);
    for (const auto& [section, schema] : context_.catalog.sections) known.push_back(section);
    for (const Entry& entry : table.entries) {
      if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
        context_.Error(entry.where,
                       "unknown key `" + entry.key + "`" + owner + Suggest(entry.key, known));
      }
    }
  }

  void ReadName() {
    Experiment& e = context_.experiment;
    Node name;
    name.kind = Node::Kind::kString;
    name.scalar = fs::path(e.file).stem().string();
    name.where = {e.file, 0, 0};
    const Entry* given = root_.Find("name");
    const auto text = given != nullptr
                          ? context_.ReadName(given->value, "an experiment's name")
                          : context_.ReadName(name, "an experiment's name (from the file's)");
    if (text) e.name = *text;
  }

  bool ExpectTables(const Entry& entry) {
    if (entry.value.IsTableArray()) return true;
    const bool empty = entry.value.kind == Node::Kind::kArray && entry.value.items.empty();
    if (!empty) context_.Error(entry.where, "`" + entry.key + "` is written [[" + entry.key + "]]");
    return false;
  }

  void ReadEvaluations() {
    const Entry* list = root_.Find("evaluate");
    if (list == nullptr || !ExpectTables(*list)) return;
    for (const Node& table : list->value.items) ReadEvaluation(table);
  }

  void ReadEvaluation(const Node& table) {
    Evaluation evaluation;
    evaluation.where = table.where;
    evaluation.own_dataset = table.Find("dataset") != nullptr;
    const Entry* protocol = table.Find("protocol");
    std::vector<std::string> protocols;
    for (const auto& [name, schema] : context_.catalog.protocols) protocols.push_back(name);
    if (protocol == nullptr) {
      context_.Error(table.where, "[[evaluate]] needs a `protocol`" + Suggest("", protocols));
      return;
    }
    if (!context_.Expect(protocol->value, Node::Kind::kString, "`protocol`")) return;
    evaluation.protocol = *protocol->value.Text();
    if (!context_.catalog.protocols.contains(evaluation.protocol)) {
      context_.Error(protocol->value.where,
                     "no evaluation protocol is named `" + evaluation.protocol + "`" +
                         Suggest(evaluation.protocol, protocols));
      return;
    }
    const Entry* name = table.Find("name");
    const Node& named = name != nullptr ? name->value : protocol->value;
    const auto text = context_.ReadName(named, "an evaluation's name");
    if (!text) return;
    evaluation.name = *text;
    auto& known = context_.experiment.evaluations;
    const bool twice = std::any_of(
        known.begin(), known.end(), [&](const Evaluation& e) { return e.name == evaluation.name; });
    if (twice) {
      context_.Error(named.where,
                     "two evaluations are named `" + evaluation.name + "`; give one a `name`");
      return;
    }
    ReadEvaluationOptions(context_, evaluation.name, table, context_.experiment.base);
    known.push_back(std::move(evaluation));
  }

  void ReadBlocks() {
    const Entry* grid = root_.Find("grid");
    const Entry* list = root_.Find("block");
    if (grid != nullptr || list == nullptr) {
      Block own;
      own.where = grid != nullptr ? grid->where : base::SourceLocation{context_.experiment.file};
      own.seeds = seeds_;
      if (grid != nullptr && context_.Expect(grid->value, Node::Kind::kTable, "[grid]")) {
        ReadGrid(context_, grid->value, own);
      }
      context_.experiment.blocks.push_back(std::move(own));
    }
    if (list == nullptr || !ExpectTables(*list)) return;
    for (const Node& table : list->value.items) ReadBlock(table);
  }

  void ReadBlock(const Node& table) {
    Block block;
    block.where = table.where;
    block.seeds = seeds_;
    CheckKeys(table, " in [[block]]", {"name", "seeds", "grid", "evaluate"});
    const Entry* name = table.Find("name");
    if (name == nullptr) {
      context_.Error(table.where, "[[block]] needs a `name`");
    } else if (auto text = context_.ReadName(name->value, "a block's name")) {
      block.name = *text;
      const auto& known = context_.experiment.blocks;
      const bool twice = std::any_of(
          known.begin(), known.end(), [&](const Block& b) { return b.name == block.name; });
      if (twice) context_.Error(name->value.where, "two blocks are named `" + block.name + "`");
    }
    if (const Entry* seeds = table.Find("seeds")) block.seeds = ReadSeeds(context_, seeds->value);
    ReadSettingTables(context_, table, block.settings);
    if (const Entry* evaluate = table.Find("evaluate")) ReadBlockEvaluations(*evaluate, block);
    if (const Entry* grid = table.Find("grid");
        grid && context_.Expect(grid->value, Node::Kind::kTable, "[block.grid]")) {
      ReadGrid(context_, grid->value, block);
    }
    context_.experiment.blocks.push_back(std::move(block));
  }

  // [block.evaluate.<name>]: other options for an evaluation that the file has.
  void ReadBlockEvaluations(const Entry& evaluate, Block& block) {
    if (!context_.Expect(evaluate.value, Node::Kind::kTable, "[block.evaluate.<name>]")) return;
    for (const Entry& entry : evaluate.value.entries) {
      if (!context_.Expect(entry.value, Node::Kind::kTable, "[block.evaluate." + entry.key + "]")) {
        continue;
      }
      for (const Entry& option : entry.value.entries) {
        const std::string text = "evaluate." + entry.key + "." + option.key;
        if (option.key == "dataset") {
          ReadRoleTable(context_, entry.key, "dataset", option, block.settings);
        } else if (auto path = ParsePath(context_, text, option.where)) {
          ReadSetting(context_, std::move(*path), option, block.settings);
        }
      }
    }
  }

  const ReadContext& context_;
  const Node& root_;
  const LoadRequest& request_;
  std::vector<std::int64_t> seeds_ = {0};
};

}  // namespace

std::optional<Experiment> Load(const LoadRequest& request,
                               std::shared_ptr<const OptionCatalog> catalog,
                               base::Diagnostics& diagnostics) {
  const Environment environment = request.environment ? request.environment : ProcessEnvironment;
  const std::optional<Document> document = LoadDocument(request.file, environment, diagnostics);
  if (!document) return std::nullopt;
  Experiment experiment;
  experiment.file = request.file;
  experiment.catalog = catalog;
  experiment.source_lines = document->lines;
  const ReadContext context{*catalog, *document, environment, diagnostics, experiment};
  ExperimentReader(context, request).Read();
  return experiment;
}

std::vector<std::string> ExperimentFiles(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!fs::exists(path)) FailInput(path + ": no such file or folder");
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.is_regular_file() && entry.path().extension() == ".toml") {
        found.push_back(entry.path().string());
      }
    }
    if (found.empty()) FailInput(path + ": the folder has no .toml file");
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

std::vector<std::int64_t> ParseSeeds(std::string_view text) {
  constexpr std::int64_t kMost = 100000;
  const auto fail = [&] {
    FailInput("seeds are \"" + std::string(text) + "\", expected a list such as 0,1,5-9");
  };
  const auto number = [&](std::string_view part) {
    std::int64_t value = -1;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || value < 0) fail();
    return value;
  };
  std::vector<std::int64_t> seeds;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    const std::size_t dash = part.find('-');
    const std::int64_t first = number(part.substr(0, dash));
    const std::int64_t last = dash == part.npos ? first : number(part.substr(dash + 1));
    if (last < first || last - first >= kMost) fail();
    for (std::int64_t seed = first; seed <= last; ++seed) seeds.push_back(seed);
    begin = end + 1;
  }
  std::set<std::int64_t> distinct(seeds.begin(), seeds.end());
  if (distinct.size() != seeds.size()) {
    FailInput("seeds are \"" + std::string(text) + "\": one is listed twice");
  }
  return seeds;
}

}  // namespace cross4d::config
