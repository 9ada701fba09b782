// SPDX-License-Identifier: Apache-2.0
#include "core/cli/command.h"
#include "core/cli/common_options.h"
#include "core/results/result_store.h"
#include "core/store/store.h"

#include <cross4d/sdk/error.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <memory>

namespace cross4d::cli {
namespace {

struct CacheOptions {
  StoreOptions store;
  bool dry_run = false;
};

std::string Size(std::int64_t bytes) {
  if (bytes < 1'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

store::Store Existing(const CacheOptions& options) {
  if (!std::filesystem::is_directory(options.store.store)) {
    FailInput(fmt::format("{}: no such store; --store names another", options.store.store));
  }
  return store::Store(std::filesystem::absolute(options.store.store));
}

int List(const CacheOptions& options) {
  const store::Store store = Existing(options);
  std::int64_t bytes = 0;
  std::size_t count = 0;
  for (const std::string& key : store.Keys()) {
    if (!store.HasArtifact(key)) continue;
    const store::Manifest manifest = store::ReadManifest(store.Artifact(key));
    bytes += manifest.bytes;
    ++count;
    fmt::print("{}  {:>10}  {} files\n", key, Size(manifest.bytes), manifest.files.size());
  }
  fmt::print("{} artifacts, {}\n", count, Size(bytes));
  return kOk;
}

int Verify(const CacheOptions& options) {
  const store::Store store = Existing(options);
  std::size_t intact = 0, damaged = 0;
  for (const std::string& key : store.Keys()) {
    if (!store.HasArtifact(key)) continue;
    const auto problems = store::VerifyArtifact(store.Artifact(key));
    for (const std::string& problem : problems) fmt::print("{}: {}\n", key, problem);
    ++(problems.empty() ? intact : damaged);
  }
  fmt::print("{} artifacts intact, {} damaged\n", intact, damaged);
  return damaged == 0 ? kOk : kSomeFailed;
}

int Collect(const CacheOptions& options) {
  const store::Store store = Existing(options);
  const auto needed = [](const std::filesystem::path& database) {
    return results::ResultStore::Open(database, results::OpenMode::kRead).NeededStages();
  };
  std::int64_t bytes = 0;
  const auto garbage = store.Collect(needed, options.dry_run);
  for (const store::Garbage& item : garbage) {
    bytes += item.bytes;
    fmt::print("{}  {:>10}\n", item.key, Size(item.bytes));
  }
  fmt::print("{} {} stages, {}\n",
             options.dry_run ? "would remove" : "removed",
             garbage.size(),
             Size(bytes));
  return kOk;
}

}  // namespace

void DefineCache(CLI::App& app, Action& action) {
  auto options = std::make_shared<CacheOptions>();
  app.require_subcommand(1);
  CLI::App* list = app.add_subcommand("ls", "Artifacts with their sizes");
  options->store.Define(*list);
  list->callback([&action, options] { action = [options] { return List(*options); }; });
  CLI::App* verify = app.add_subcommand("verify", "Compare every file with its recorded hash");
  options->store.Define(*verify);
  verify->callback([&action, options] { action = [options] { return Verify(*options); }; });
  CLI::App* gc = app.add_subcommand("gc", "Remove what no registered database needs");
  gc->add_flag("--dry-run", options->dry_run, "Only say what would be removed");
  options->store.Define(*gc);
  gc->callback([&action, options] { action = [options] { return Collect(*options); }; });
}

}  // namespace cross4d::cli
