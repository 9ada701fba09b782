// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace cross4d::protocol {

/// What a worker reports. One JSON object per line, in the spool file and on its standard output.
enum class EventType { kReady, kStarted, kProgress, kMetric, kArtifact, kLog, kFinished, kFailed };

/// Why a stage failed. Signal and out-of-memory are seen by the orchestrator, not by the worker.
enum class Cause {
  kNone,
  kError,
  kExitCode,
  kSignal,
  kOutOfMemory,
  kTimeout,
  kDiskFull,
  kCancelled
};
std::string CauseName(Cause cause);  ///< "error", "exit code", "signal", "out of memory", …
Cause CauseFromName(const std::string& name);

struct Event {
  EventType type = EventType::kLog;
  std::string stage;  ///< key; empty for ready
  std::int64_t attempt = 0;
  std::string writer;
  std::int64_t sequence = 0;  ///< from 1, without gaps, per attempt and writer
  double time = 0;            ///< Unix seconds

  // progress: live display only, not in the spool
  std::string phase;  ///< "render", "train", …
  std::int64_t done = 0, total = 0;
  std::int64_t epoch = 0, epochs = 0;
  double loss = 0, rate = 0;  ///< rate = clips/s; 0 = unknown
  // metric
  std::string name;
  std::int64_t step = -1;  ///< -1 = the final value
  double value = 0;
  // log, failed: text; started: host; artifact: the artifact's hash (SHA-256 of its manifest.json)
  std::string text;
  Cause cause = Cause::kNone;  ///< failed
  // ready: pid, libtorch version …; started: environment; artifact: bytes, fingerprint …
  std::string data;  ///< a JSON object as text, or empty
};

std::string ToLine(const Event& event);  ///< with a newline at the end
/// nullopt: not a whole event (cut last line).
std::optional<Event> ParseLine(const std::string& line);

}  // namespace cross4d::protocol
