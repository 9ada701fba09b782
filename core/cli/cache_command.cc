// SPDX-License-Identifier: Apache-2.0
#include "core/cli/command.h"
#include "core/cli/common_options.h"
#include "core/cli/text_table.h"
#include "core/launch/display.h"
#include "core/results/result_store.h"
#include "core/store/store.h"

#include <cross4d/sdk/error.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

namespace cross4d::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

struct CacheOptions {
  StoreOptions store;
  bool yes = false;
  bool json = false;
};

std::string Size(std::int64_t bytes) {
  if (bytes < 1'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

store::Store Existing(const CacheOptions& options) {
  if (!fs::is_directory(options.store.store)) {
    FailInput(fmt::format("{}: no such store; --store names another", options.store.store));
  }
  return store::Store(fs::absolute(options.store.store));
}

/// What the registered databases know of one stage.
struct Known {
  std::string kind = "unknown";
  std::set<std::string> hashes;
  struct Run {
    std::string database, experiment, key;
  };
  std::vector<Run> runs;
};

std::vector<results::StageUse> Uses(const fs::path& database) {
  return results::ResultStore::Open(database, results::OpenMode::kRead).StageUses();
}

// A database that cannot be read is only said: it does not stand in the way of a look.
std::map<std::string, Known> Knowledge(const store::Store& store) {
  std::map<std::string, Known> known;
  for (const fs::path& database : store.Databases()) {
    try {
      for (results::StageUse& use : Uses(database)) {
        Known& stage = known[use.key];
        stage.kind = use.kind;
        if (!use.artifact_hash.empty()) stage.hashes.insert(use.artifact_hash);
        for (auto& run : use.runs) {
          stage.runs.push_back({database.string(), std::move(run.experiment), std::move(run.key)});
        }
      }
    } catch (const Error& error) {
      fmt::print(stderr, "{}: its runs are left out here: {}\n", database.string(), error.what());
    }
  }
  return known;
}

/// A stage that takes space.
struct CacheEntry {
  std::string key;
  Known known;
  bool done = false;  ///< an artifact, else what an attempt has left so far
  std::int64_t bytes = 0;
  double age_s = 0;
};

std::vector<CacheEntry> Entries(const store::Store& store) {
  std::map<std::string, Known> known = Knowledge(store);
  std::vector<CacheEntry> entries;
  for (const std::string& key : store.Keys()) {
    CacheEntry entry{key, known[key], store.HasArtifact(key), store.StageBytes(key), 0};
    std::error_code error;
    const auto place = entry.done ? store.Artifact(key) / "manifest.json" : store.StageFolder(key);
    const auto written = fs::last_write_time(place, error);
    if (!error) {
      const auto age = fs::file_time_type::clock::now() - written;
      entry.age_s = std::max(0.0, std::chrono::duration<double>(age).count());
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

// "quickstart: 9 runs, ntu: 3 runs"
std::string NeededText(const Known& known) {
  std::map<std::string, int> counts;
  for (const Known::Run& run : known.runs) ++counts[run.experiment];
  std::string text;
  for (const auto& [experiment, count] : counts) {
    text += fmt::format(
        "{}{}: {} run{}", text.empty() ? "" : ", ", experiment, count, count == 1 ? "" : "s");
  }
  return text.empty() ? "no run" : text;
}

std::string Age(double seconds) {
  if (seconds < 86400) return launch::FormatSeconds(seconds);
  return fmt::format("{:.0f} days", seconds / 86400);
}

void PrintJson(const std::vector<CacheEntry>& entries) {
  json rows = json::array();
  for (const CacheEntry& entry : entries) {
    json runs = json::array();
    for (const Known::Run& run : entry.known.runs) {
      runs.push_back(
          {{"database", run.database}, {"experiment", run.experiment}, {"run", run.key}});
    }
    rows.push_back({{"key", entry.key},
                    {"kind", entry.known.kind},
                    {"state", entry.done ? "done" : "unfinished"},
                    {"bytes", entry.bytes},
                    {"age_s", entry.age_s},
                    {"runs", runs}});
  }
  fmt::print("{}\n", json{{"stages", rows}}.dump(1));
}

int List(const CacheOptions& options) {
  const store::Store store = Existing(options);
  const std::vector<CacheEntry> entries = Entries(store);
  if (options.json) {
    PrintJson(entries);
    return kOk;
  }
  std::int64_t bytes = 0;
  std::vector<std::vector<std::string>> rows;
  for (const CacheEntry& entry : entries) {
    bytes += entry.bytes;
    rows.push_back({entry.key.substr(0, 8),
                    entry.known.kind + (entry.done ? "" : " (unfinished)"),
                    Size(entry.bytes),
                    Age(entry.age_s),
                    NeededText(entry.known)});
  }
  const std::string text = TextTable({"stage", "kind", "size", "age", "needed by"}, rows);
  fmt::print("{}{} stages, {}\n", text, entries.size(), Size(bytes));
  return kOk;
}

int Verify(const CacheOptions& options) {
  const store::Store store = Existing(options);
  std::map<std::string, Known> known = Knowledge(store);
  std::size_t intact = 0, damaged = 0;
  for (const std::string& key : store.Keys()) {
    const fs::path artifact = store.Artifact(key);
    if (!fs::exists(artifact)) continue;
    const auto problems = store::VerifyArtifact(artifact, known[key].hashes);
    for (const std::string& problem : problems) {
      fmt::print("{} {}: {}\n", known[key].kind, key.substr(0, 8), problem);
    }
    if (!problems.empty()) {
      fmt::print("  remove {} and run again: what still needs it computes it anew\n",
                 artifact.string());
    }
    ++(problems.empty() ? intact : damaged);
  }
  fmt::print("{} artifacts intact, {} damaged\n", intact, damaged);
  return damaged == 0 ? kOk : kSomeFailed;
}

int Collect(const CacheOptions& options) {
  const store::Store store = Existing(options);
  std::map<std::string, std::string> kinds;
  const auto needed = [&kinds](const fs::path& database) {
    std::vector<std::string> keys;
    for (const results::StageUse& use : Uses(database)) {
      kinds[use.key] = use.kind;
      if (!use.runs.empty()) keys.push_back(use.key);
    }
    return keys;
  };
  std::vector<store::Garbage> garbage = store.Collect(needed, /*dry_run=*/true);
  std::vector<std::vector<std::string>> rows;
  for (const store::Garbage& item : garbage) {
    const auto kind = kinds.find(item.key);
    const bool whole = item.path == store.StageFolder(item.key);
    rows.push_back({item.key.substr(0, 8),
                    kind == kinds.end() ? "unknown" : kind->second,
                    whole ? "all of it" : item.path.filename().string(),
                    Size(item.bytes),
                    item.why});
  }
  if (!rows.empty()) {
    fmt::print("{}", TextTable({"stage", "kind", "what", "size", "why"}, rows));
    std::fflush(stdout);
  }
  if (options.yes) garbage = store.Collect(needed, /*dry_run=*/false);
  std::int64_t bytes = 0;
  for (const store::Garbage& item : garbage) bytes += item.bytes;
  fmt::print("{} {} entries, {}{}\n",
             options.yes ? "removed" : "would remove",
             garbage.size(),
             Size(bytes),
             options.yes || rows.empty() ? "" : "; --yes removes them");
  return kOk;
}

}  // namespace

void DefineCache(CLI::App& app, Action& action) {
  auto options = std::make_shared<CacheOptions>();
  app.require_subcommand(1);
  CLI::App* list = app.add_subcommand("ls", "Stages with kind, size, age and who needs them");
  options->store.Define(*list);
  DefineJson(*list, options->json);
  list->callback([&action, options] { action = [options] { return List(*options); }; });
  CLI::App* verify = app.add_subcommand("verify", "Compare every file with its recorded hash");
  options->store.Define(*verify);
  verify->callback([&action, options] { action = [options] { return Verify(*options); }; });
  CLI::App* gc = app.add_subcommand("gc", "Say what no recorded run needs; --yes removes it");
  gc->add_flag("--yes", options->yes, "Remove it");
  options->store.Define(*gc);
  gc->callback([&action, options] { action = [options] { return Collect(*options); }; });
}

}  // namespace cross4d::cli
