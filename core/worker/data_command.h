// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/data/pack.h"
#include "core/worker/plugin_options.h"

#include <cross4d/sdk/dataset.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace cross4d::worker {

/// What the commands on data sets take: [DIR] --dataset NAME [--set KEY=VALUE]… [--threads N].
struct DataRequest {
  std::string folder;  ///< value of the plugin's location option; empty = as --set says
  PluginRequest plugin;
  bool tolerant = false;  ///< the data set opens whatever is wrong with its files: on_error =
                          ///< "skip" where it has that option and --set does not say otherwise
};

/// A data set as one of these commands asked for it.
struct OpenedDataset {
  data::PackSource source;
  std::unique_ptr<Dataset> dataset;  ///< the plugin's own, or the pack of `--set pack=FILE`
};
OpenedDataset OpenDataset(const DataRequest& request);

/// How far a long command is, on standard error if that is a terminal; otherwise nothing.
class ProgressLine {
 public:
  ProgressLine(std::string what, std::int64_t total);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void Show(std::int64_t done);

 private:
  std::string what_;
  std::int64_t total_;
  bool terminal_;
};

struct InspectRequest {
  DataRequest data;
  std::int64_t clips = 3;  ///< how many are read
  bool all = false, json = false;
};
/// 0, or 2 if something is missing, unreadable or there twice.
int InspectData(const InspectRequest& request);

int PackData(const DataRequest& request, const std::string& file);
int PreviewData(const DataRequest& request, const std::string& clip, const std::string& folder);

}  // namespace cross4d::worker
