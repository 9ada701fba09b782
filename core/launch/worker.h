// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/process.h"
#include "core/protocol/event.h"
#include "core/protocol/stage_spec.h"

#include <memory>
#include <string>
#include <vector>

namespace cross4d::launch {

/// One worker slot: a `cross4d-worker serve` that is started when the first stage is sent to it,
/// and again after a crash. One stage at a time.
class Worker {
 public:
  /// `program` = path of cross4d-worker; what the worker prints on standard error goes to
  /// `stderr_file`.
  Worker(std::string program, std::string stderr_file);

  bool running() const { return child_ != nullptr; }
  /// Non-blocking read end of the worker's events; -1 = not running.
  int fd() const { return child_ ? child_->stdout_fd() : -1; }
  pid_t pid() const { return child_ ? child_->pid() : -1; }

  /// Starts the program if needed and hands it the stage; false if it died before it could take it.
  bool Send(const protocol::StageSpec& spec);
  /// Whole events that have arrived. `ended` becomes true once the worker has closed its output.
  std::vector<protocol::Event> Read(bool& ended);
  void Signal(int signal);
  /// Waits for the end of a worker that has closed its output; the slot can be used again.
  base::ExitStatus Reap();
  /// Asks the worker to end (closed standard input).
  void Close();

 private:
  void Start();

  std::string program_, stderr_file_;
  std::unique_ptr<base::ChildProcess> child_;
  std::string partial_;  ///< bytes after the last newline
};

}  // namespace cross4d::launch
