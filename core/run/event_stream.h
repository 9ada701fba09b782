// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/protocol/event.h"
#include "core/protocol/reporter.h"
#include "core/protocol/stage_spec.h"

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace cross4d::run {

/// Writes whole lines to a file descriptor. Error(kEnvironment) with errno's text.
void WriteAll(int fd, std::string_view text, const std::string& name);

/// The events of one stage attempt: to the spool at once, which is the truth, and to `live` for
/// display, in batches.
/// Progress goes to `live` only, at most ten times a second, with sequence 0.
class EventStream : public protocol::Reporter {
 public:
  /// Opens spec.Spool() with O_EXCL. Error(kEnvironment) if it exists: another writer uses the
  /// name. `live` is a file descriptor, -1 = none. `stop` outlives the stream.
  EventStream(const protocol::StageSpec& spec, int live, const std::atomic<bool>& stop);
  ~EventStream() override;
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  void Started(const std::string& host, const std::string& data);
  void Artifact(const std::string& hash, const std::string& data);
  /// The live reader learns of it after the spool has it. The spool is not synced: it survives the
  /// death of every process, and after a power cut the artifact is there or the stage runs again.
  void Finished();
  void Failed(protocol::Cause cause, const std::string& text);

  void Report(const protocol::Progress& progress) override;
  /// Error(kPlugin) for a (name, step) that was reported before.
  void Metric(std::string_view name, std::int64_t step, double value) override;
  void Log(std::string_view text) override;
  bool StopRequested() const override { return stop_; }

 private:
  protocol::Event Make(protocol::EventType type) const;
  void Emit(protocol::Event event);
  void Show(std::string_view line);

  const protocol::StageSpec spec_;
  int spool_ = -1, live_ = -1;
  const std::atomic<bool>& stop_;
  std::int64_t sequence_ = 0;
  std::set<std::pair<std::string, std::int64_t>> metrics_;
  std::chrono::steady_clock::time_point shown_{};
  std::string
      unsent_;  ///< lines for `live`, sent with the next progress or end: one wake-up, not five
};

}  // namespace cross4d::run
