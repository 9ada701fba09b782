// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cross4d::launch {

/// Counts SIGINT, SIGTERM and SIGHUP while it lives: the first asks for a clean stop, the second
/// for an end at once. One object at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Readable after each signal, for poll(); Drain() empties it.
  int fd() const;
  void Drain();
  int count() const;
};

}  // namespace cross4d::launch
