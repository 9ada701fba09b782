// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/protocol/event.h"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace cross4d::launch {

/// Progress on standard error. On a terminal: an overall bar with the time left and one line per
/// worker, redrawn at most ten times a second. Otherwise plain lines: start, finish, failure, and
/// once a minute how far a stage is.
class Display {
 public:
  struct Options {
    int fd = 2;
    bool terminal = false;  ///< bars
    bool colour = false;
    bool quiet = false;  ///< failures and messages only
    int workers = 1;
    std::chrono::milliseconds say_every{60'000};  ///< without bars: progress of a long stage
  };
  /// What standard error is, with NO_COLOR and TERM=dumb respected.
  static Options ForStandardError(int workers);

  explicit Display(Options options);
  ~Display();
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  /// How many stages of each kind and how many runs this call has to do.
  void SetTotal(const std::map<std::string, int>& stages_by_kind, int runs);
  void StageStarted(int slot, const std::string& label, const std::string& kind);
  void StageProgress(int slot, const protocol::Event& event);
  /// `slot` -1: another process did it.
  void StageDone(int slot, const std::string& label, const std::string& kind);
  void StageFailed(int slot,
                   const std::string& label,
                   const std::string& kind,
                   const std::string& why);
  /// A stage that will not be done here after all (blocked, cancelled).
  void StageDropped(int slot, const std::string& kind);
  void RunDone() { ++runs_done_; }
  void Message(const std::string& line);
  /// Redraws if something changed and 100 ms have passed.
  void Tick();
  /// Takes the bars away; what follows are plain lines.
  void Finish();

 private:
  using Clock = std::chrono::steady_clock;
  struct Slot {
    bool busy = false;
    std::string label, kind;
    Clock::time_point start;
    Clock::time_point said;  ///< when a plain line was printed last
    protocol::Event last;
    double Seconds() const;  ///< since its start
    double Share() const;    ///< of its work that is done, 0 to 1; 0 = unknown
    std::string Text() const;
  };
  struct Kind {
    int open = 0, done = 0;
    double seconds = 0;  ///< of those done by our workers
    int timed = 0;
  };
  void Print(const std::string& line, const char* colour = "");
  void Erase();
  void Redraw();
  void PrintLongStages();
  std::string Bar(int columns) const;
  std::string SlotLine(const Slot& slot) const;
  double SecondsLeft() const;
  double Free(int slot);

  Options options_;
  std::vector<Slot> slots_;
  std::map<std::string, Kind> kinds_;
  int total_ = 0, finished_ = 0, failed_ = 0, runs_ = 0, runs_done_ = 0;
  int drawn_lines_ = 0;
  bool changed_ = false;
  Clock::time_point last_draw_;
  std::string buffer_;
};

/// "12.3 s", "4 min 05 s", "2 h 03 min".
std::string FormatSeconds(double seconds);

}  // namespace cross4d::launch
