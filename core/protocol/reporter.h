// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cross4d::protocol {

/// How far a stage is: live display only.
struct Progress {
  std::string phase;  ///< "tokenize", "render", "train", …
  std::int64_t done = 0, total = 0;
  std::int64_t epoch = 0, epochs = 0;
  double loss = 0;
  double rate = 0;  ///< clips/s; 0 = unknown
};

/// What a running stage says to the outside. Called from the stage's main thread only.
class Reporter {
 public:
  virtual ~Reporter() = default;
  /// Cheap to call often: implementations drop what comes too fast.
  virtual void Report(const Progress& progress) = 0;
  /// `step` = -1 is the final value. (name, step) once per attempt.
  virtual void Metric(std::string_view name, std::int64_t step, double value) = 0;
  virtual void Log(std::string_view text) = 0;
  /// The user asked to stop: save what can be saved, then throw Error(kCancelled).
  virtual bool StopRequested() const = 0;
};

/// Throws Error(kCancelled) when a stop was asked for.
void ThrowIfStopped(const Reporter& reporter);

}  // namespace cross4d::protocol
