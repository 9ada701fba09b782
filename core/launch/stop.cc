// SPDX-License-Identifier: Apache-2.0
#include "core/launch/stop.h"

#include <cross4d/sdk/error.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace cross4d::launch {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

// What a signal handler may touch.
volatile sig_atomic_t stop_count = 0;
int stop_pipe[2] = {-1, -1};
struct sigaction previous[kSignals.size()];

void OnSignal(int) {
  const int saved = errno;
  stop_count = stop_count + 1;
  const char byte = 0;
  [[maybe_unused]] const ssize_t written = write(stop_pipe[1], &byte, 1);
  errno = saved;
}

}  // namespace

StopSignals::StopSignals() {
  stop_count = 0;
  if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw Error(ErrorCode::kEnvironment, std::string("pipe: ") + std::strerror(errno));
  }
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], &action, &previous[i]);
    // Under nohup the end of the terminal is to be ignored.
    const bool nohup = kSignals[i] == SIGHUP && previous[i].sa_handler == SIG_IGN;
    if (nohup) sigaction(SIGHUP, &previous[i], nullptr);
  }
}

StopSignals::~StopSignals() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &previous[i], nullptr);
  close(stop_pipe[0]);
  close(stop_pipe[1]);
}

int StopSignals::fd() const { return stop_pipe[0]; }

void StopSignals::Drain() {
  char bytes[64];
  while (read(stop_pipe[0], bytes, sizeof bytes) > 0) {
  }
}

int StopSignals::count() const { return stop_count; }

}  // namespace cross4d::launch
