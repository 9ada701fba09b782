// SPDX-License-Identifier: Apache-2.0
#include "core/worker/data_command.h"

#include <cross4d/sdk/error.h>

#include <ATen/Parallel.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

namespace cross4d::worker {
namespace {

namespace fs = std::filesystem;

// True if `file` is there already and holds just this.
bool IsPacked(const std::string& file, const OpenedDataset& opened) {
  std::error_code error;
  if (!fs::exists(file, error)) return false;
  const std::string rest = "; remove it, or give --output another name";
  std::string difference;
  try {
    const auto pack = data::PackedDataset::Open(file);
    difference = data::SourceDifference(pack->source(), opened.source);
    if (difference.empty() && pack->Fingerprint() != opened.dataset->Fingerprint()) {
      difference = "the data has the fingerprint " + opened.dataset->Fingerprint() +
                   ", the pack was made from " + pack->Fingerprint();
    }
  } catch (const Error& e) {
    FailInput(std::string(e.message()) + rest);
  }
  if (!difference.empty()) FailInput(file + " exists: " + difference + rest);
  return true;
}

}  // namespace

int PackData(const DataRequest& request, const std::string& file) {
  const auto start = std::chrono::steady_clock::now();
  const OpenedDataset opened = OpenDataset(request);
  if (IsPacked(file, opened)) {
    std::error_code ignored;  // a kill just before the end leaves it
    fs::remove_all(file + ".partial", ignored);
    std::printf("%s: is there already, with the same settings and data\n", file.c_str());
    return 0;
  }
  at::set_num_threads(1);
  const auto total = static_cast<std::int64_t>(opened.dataset->clips().size());
  data::PackResult result;
  {
    ProgressLine line("packing clip", total);
    result = data::WritePack(
        *opened.dataset, opened.source, file, ThreadCount(request.plugin), [&](std::int64_t done) {
          line.Show(done);
        });
  }
  for (const FileProblem& problem : opened.dataset->problems()) {
    std::printf("%s: %s\n", problem.file.c_str(), problem.what.c_str());
  }
  if (result.unreadable > 0) {
    const auto pack = data::PackedDataset::Open(file);
    for (const auto& [clip, why] : pack->Unreadable()) {
      std::printf("skipped: clip %s: %s\n", clip.c_str(), why.c_str());
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf(
      "%s: %lld clips of %lld x %lld points, %.1f MB; %lld kept from before, %lld skipped; "
      "%.1f s\n",
      file.c_str(),
      static_cast<long long>(result.clips - result.unreadable),
      static_cast<long long>(result.frames),
      static_cast<long long>(result.points),
      static_cast<double>(result.bytes) / 1e6,
      static_cast<long long>(result.kept),
      static_cast<long long>(result.unreadable),
      took.count());
  return 0;
}

}  // namespace cross4d::worker
