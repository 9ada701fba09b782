// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace cross4d {
inline namespace v1 {

/// What the host hands to every plugin it creates. Free of LibTorch.
struct PluginContext {
  int threads = 1;             ///< threads the plugin may use
  std::string device = "cpu";  ///< "cpu" or "cuda:0"
  /// One line to the run's log; thread-safe; may be empty.
  std::function<void(std::string_view)> log;
};

}  // namespace v1
}  // namespace cross4d
