// SPDX-License-Identifier: Apache-2.0
#include "core/config/load.h"
#include "core/grid/expand.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/config/toy_catalog.h"

// Any bytes as an experiment file: messages, never a crash. The part after a NUL byte is a --set.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto catalog = cross4d::config::ToyCatalog();
  static const std::string file = (std::filesystem::temp_directory_path() /
                                   ("config_fuzz_" + std::to_string(getpid()) + ".toml"))
                                      .string();
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::size_t nul = text.find('\0');
  std::ofstream(file, std::ios::binary) << text.substr(0, nul);
  cross4d::config::LoadRequest request;
  request.file = file;
  request.environment = [](const std::string&) { return std::nullopt; };
  if (nul != std::string::npos) request.set.push_back(text.substr(nul + 1));
  cross4d::base::Diagnostics diagnostics;
  const auto experiment = cross4d::config::Load(request, catalog, diagnostics);
  if (experiment) {
    std::size_t runs = 0;
    for (const auto& block : experiment->blocks) {
      std::size_t product = block.seeds.size();
      for (const auto& axis : block.axes) product *= axis.points.size();
      runs += product;
    }
    // Large grids are slow, not wrong.
    if (runs < 10000) cross4d::grid::Expand(*experiment, diagnostics);
  }
  diagnostics.Render();
  return 0;
}
