// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/diagnostics.h"
#include "core/config/catalog.h"
#include "core/config/experiment.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::config {

struct LoadRequest {
  std::string file;
  std::vector<std::string> set;                    ///< "key=value" of --set, in order
  std::optional<std::vector<std::int64_t>> seeds;  ///< of --seeds; replaces every seed list
  /// Value of an environment variable; default: getenv.
  std::function<std::optional<std::string>(const std::string&)> environment;
};

/// Reads and checks one experiment file. Every error found is in `diagnostics`, with its place;
/// nullopt only if there is nothing to go on with (the file cannot be read or parsed). A result may
/// come with errors: grid::Expand then still finds those that only combinations show.
std::optional<Experiment> Load(const LoadRequest& request,
                               std::shared_ptr<const OptionCatalog> catalog,
                               base::Diagnostics& diagnostics);

/// Files stay, a folder becomes the *.toml files directly in it, sorted by name. Throws
/// Error(kInput) if a path does not exist or a folder has none.
std::vector<std::string> ExperimentFiles(const std::vector<std::string>& paths);

/// "0,1,5-9" -> {0, 1, 5, 6, 7, 8, 9}. Throws Error(kInput).
std::vector<std::int64_t> ParseSeeds(std::string_view text);

}  // namespace cross4d::config
