// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cross4d::base {

/// How a child ended.
struct ExitStatus {
  int code = 0;    ///< exit code; meaningful if signal == 0
  int signal = 0;  ///< 0 = exited by itself
  /// "exit code 3", "signal 11 (SIGSEGV)".
  std::string Describe() const;
};

/// A child process with pipes to its standard input and output; its standard error is inherited or
/// goes to a file. The child gets SIGKILL when the thread that started it ends (PR_SET_PDEATHSIG
/// counts threads): start it from the main thread, or from one that lives as long as the program.
/// Not thread-safe. The destructor closes the pipes, kills the child if it is still there, and
/// waits.
class ChildProcess {
 public:
  struct Options {
    std::vector<std::string> arguments;          ///< arguments[0] = path of the program
    std::vector<std::string> extra_environment;  ///< "NAME=value"
    std::string stderr_file;                     ///< empty = inherited
    bool new_process_group = false;              ///< keep the terminal's Ctrl-C from reaching it
  };
  explicit ChildProcess(const Options& options);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  int stdin_fd() const { return in_; }
  int stdout_fd() const { return out_; }
  /// Writes the whole text; false if the child closed its end.
  bool Write(const std::string& text);
  void CloseStdin();
  void Signal(int signal);
  /// Waits; the status once ended.
  ExitStatus Wait();
  std::optional<ExitStatus> Poll();

 private:
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1;
  std::optional<ExitStatus> status_;
};

/// Who a process is on this host, so that a dead owner can be told from a live one.
struct ProcessIdentity {
  std::string host, boot_id;
  std::int64_t pid = 0;
  std::int64_t start_ticks = 0;  ///< field 22 of /proc/PID/stat
  /// "host/boot/pid/start"; Parse reads it back.
  std::string Format() const;
  static std::optional<ProcessIdentity> Parse(const std::string& text);
  static ProcessIdentity Self();
};
/// Unknown = another host (or unreadable): only its scheduler can tell.
enum class Liveness { kAlive, kDead, kUnknown };
Liveness CheckLiveness(const ProcessIdentity& process);

}  // namespace cross4d::base
