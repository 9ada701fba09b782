// SPDX-License-Identifier: Apache-2.0
#include "core/base/process.h"

#include <cross4d/sdk/error.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

extern char** environ;

namespace cross4d::base {
namespace {

void CloseFd(int& fd) {
  if (fd >= 0) ::close(std::exchange(fd, -1));
}

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) {
      throw Error(ErrorCode::kEnvironment,
                  std::string("cannot make a pipe: ") + std::strerror(errno));
    }
    read = fds[0], write = fds[1];
  }
  ~Pipe() { CloseFd(read), CloseFd(write); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
};

/// Prepared before fork: between fork and exec only async-signal-safe calls are allowed.
struct Launch {
  std::vector<char*> arguments, environment;
  const char* stderr_file = nullptr;
  bool new_process_group = false;
  pid_t parent = ::getpid();
};

Launch Prepare(const ChildProcess::Options& options) {
  Launch launch;
  for (const std::string& a : options.arguments)
    launch.arguments.push_back(const_cast<char*>(a.c_str()));
  launch.arguments.push_back(nullptr);
  const auto replaced = [&options](std::string_view entry) {
    const std::string_view name = entry.substr(0, entry.find('=') + 1);
    for (const std::string& extra : options.extra_environment) {
      if (extra.starts_with(name)) return true;
    }
    return false;
  };
  for (char** e = environ; *e != nullptr; ++e) {
    if (!replaced(*e)) launch.environment.push_back(*e);
  }
  for (const std::string& e : options.extra_environment) {
    launch.environment.push_back(const_cast<char*>(e.c_str()));
  }
  launch.environment.push_back(nullptr);
  if (!options.stderr_file.empty()) launch.stderr_file = options.stderr_file.c_str();
  launch.new_process_group = options.new_process_group;
  return launch;
}

/// Runs in the child; reports errno through `report` when exec is not reached.
[[noreturn]] void Exec(const Launch& launch, int in, int out, int report) {
  const auto fail = [report] {
    const int error = errno;
    [[maybe_unused]] const ssize_t n = ::write(report, &error, sizeof(error));
    ::_exit(127);
  };
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != launch.parent) ::_exit(127);  // the parent died before prctl
  if (launch.new_process_group) ::setpgid(0, 0);
  // Blocked and ignored signals are inherited; a worker starts with a clean slate.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (::dup2(in, STDIN_FILENO) < 0 || ::dup2(out, STDOUT_FILENO) < 0) fail();
  if (launch.stderr_file != nullptr) {
    const int fd = ::open(launch.stderr_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0 || ::dup2(fd, STDERR_FILENO) < 0) fail();
  }
  ::execve(launch.arguments[0], launch.arguments.data(), launch.environment.data());
  fail();
  ::_exit(127);
}

ExitStatus FromWait(int status) {
  ExitStatus result;
  if (WIFSIGNALED(status))
    result.signal = WTERMSIG(status);
  else
    result.code = WEXITSTATUS(status);
  return result;
}

}  // namespace

std::string ExitStatus::Describe() const {
  if (signal == 0) return "exit code " + std::to_string(code);
  const char* name = ::sigabbrev_np(signal);
  return "signal " + std::to_string(signal) + (name ? std::string(" (SIG") + name + ")" : "");
}

ChildProcess::ChildProcess(const Options& options) {
  if (options.arguments.empty()) throw Error(ErrorCode::kInternal, "no program to start");
  const Launch launch = Prepare(options);
  Pipe to_child, from_child, report;
  pid_ = ::fork();
  if (pid_ < 0) {
    throw Error(ErrorCode::kEnvironment,
                std::string("cannot start a process: ") + std::strerror(errno));
  }
  if (pid_ == 0) Exec(launch, to_child.read, from_child.write, report.write);
  CloseFd(report.write);
  int error = 0;
  ssize_t n = 0;
  do n = ::read(report.read, &error, sizeof(error));
  while (n < 0 && errno == EINTR);
  if (n == static_cast<ssize_t>(sizeof(error))) {
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    throw Error(ErrorCode::kEnvironment,
                "cannot start " + options.arguments[0] + ": " + std::strerror(error));
  }
  in_ = std::exchange(to_child.write, -1);
  out_ = std::exchange(from_child.read, -1);
}

ChildProcess::~ChildProcess() {
  CloseFd(in_);
  CloseFd(out_);
  if (pid_ > 0 && !Poll()) {
    Signal(SIGKILL);
    Wait();
  }
}

bool ChildProcess::Write(const std::string& text) {
  // A child that is gone must not kill us by SIGPIPE, whatever the program's own handler is.
  sigset_t pipe, before;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
  std::size_t done = 0;
  bool broken = in_ < 0;
  while (!broken && done < text.size()) {
    const ssize_t n = ::write(in_, text.data() + done, text.size() - done);
    if (n >= 0)
      done += static_cast<std::size_t>(n);
    else
      broken = errno != EINTR;
  }
  if (broken && sigismember(&before, SIGPIPE) == 0) {
    const timespec now{};
    while (::sigtimedwait(&pipe, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return !broken;
}

void ChildProcess::CloseStdin() { CloseFd(in_); }

void ChildProcess::Signal(int signal) {
  if (pid_ > 0 && !status_) ::kill(pid_, signal);
}

ExitStatus ChildProcess::Wait() {
  int status = 0;
  while (!status_) {
    if (::waitpid(pid_, &status, 0) == pid_)
      status_ = FromWait(status);
    else if (errno != EINTR)
      throw Error(ErrorCode::kInternal, std::string("waitpid: ") + std::strerror(errno));
  }
  return *status_;
}

std::optional<ExitStatus> ChildProcess::Poll() {
  int status = 0;
  if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) status_ = FromWait(status);
  return status_;
}

}  // namespace cross4d::base
