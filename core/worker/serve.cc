// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"
#include "core/base/process.h"
#include "core/protocol/event.h"
#include "core/protocol/stage_spec.h"
#include "core/run/event_stream.h"
#include "core/run/execute.h"
#include "core/worker/command.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>

namespace cross4d::worker {
namespace {

using nlohmann::json;
using protocol::Event;
using protocol::EventType;

constexpr int kInterrupted = 130;

std::atomic<bool> stop_requested = false;

void OnSignal(int) {
  // The second signal ends the process at once; what is recorded so far stays.
  if (stop_requested.exchange(true)) ::_exit(kInterrupted);
}

void HandleSignals() {
  struct sigaction action {};
  action.sa_handler = OnSignal;  // without SA_RESTART: a blocked read returns
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

/// The worker's standard output carries events alone: what plugins print goes to standard error.
int TakeStandardOutput() {
  std::fflush(stdout);
  const int events = ::dup(STDOUT_FILENO);
  if (events < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    throw Error(ErrorCode::kEnvironment,
                std::string("cannot redirect standard output: ") + std::strerror(errno));
  }
  return events;
}

/// The next line of standard input; nullopt at its end or when a stop was asked for.
class LineReader {
 public:
  std::optional<std::string> Next() {
    for (;;) {
      if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
      }
      if (stop_requested) return std::nullopt;
      char bytes[65536];
      const ssize_t n = ::read(STDIN_FILENO, bytes, sizeof bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return std::nullopt;
      buffer_.append(bytes, static_cast<std::size_t>(n));
    }
  }

 private:
  std::string buffer_;
};

std::string HostData() {
  return json{{"pid", ::getpid()},
              {"host", base::ProcessIdentity::Self().host},
              {"libtorch", CROSS4D_LIBTORCH_VERSION},
              {"cuda", CROSS4D_CUDA_VERSION},
              {"events", 1}}
      .dump();
}

void SendReady(int live) {
  Event ready;
  ready.type = EventType::kReady;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  ready.time = std::chrono::duration<double>(now).count();
  ready.data = HostData();
  run::WriteAll(live, protocol::ToLine(ready), "standard output");
}

/// True when the stage finished.
bool RunOne(const protocol::StageSpec& spec, int live) {
  std::optional<run::EventStream> events;
  try {
    events.emplace(spec, live, stop_requested);
    events->Started(
        base::ProcessIdentity::Self().host,
        json{{"pid", ::getpid()}, {"threads", spec.threads}, {"device", spec.device}}.dump());
    const run::StageResult result = run::ExecuteStage(spec, *events);
    events->Artifact(result.artifact_hash, result.data);
    events->Finished();
    return true;
  } catch (const std::exception& e) {
    if (events) {
      try {
        events->Failed(run::CauseOf(e), e.what());
        return false;
      } catch (const std::exception&) {
        // The spool cannot be written: the live reader is told below.
      }
    }
    Event failed;
    failed.type = EventType::kFailed;
    failed.stage = spec.key;
    failed.attempt = spec.attempt;
    failed.writer = spec.writer;
    failed.cause = run::CauseOf(e);
    failed.text = e.what();
    if (live >= 0) run::WriteAll(live, protocol::ToLine(failed), "standard output");
    return false;
  }
}

protocol::StageSpec ParseSpec(const std::string& text) {
  const json parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded()) throw Error(ErrorCode::kInput, "stage spec: not valid JSON");
  return protocol::SpecFromJson(parsed);
}

}  // namespace

int Serve(const std::vector<std::string>& arguments) {
  if (!arguments.empty()) FailInput("serve takes no arguments");
  const pid_t parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the line above.
  if (::getppid() != parent) return kInterrupted;
  HandleSignals();
  const int live = TakeStandardOutput();
  SendReady(live);
  LineReader lines;
  while (const auto line = lines.Next()) {
    if (!line->empty()) RunOne(ParseSpec(*line), live);
    if (stop_requested) break;
  }
  return stop_requested ? kInterrupted : 0;
}

int RunSpec(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) FailInput("usage: cross4d-worker run-spec FILE");
  HandleSignals();
  const bool done = RunOne(ParseSpec(base::ReadFile(arguments[0])), TakeStandardOutput());
  return done ? 0 : stop_requested ? kInterrupted : 1;
}

}  // namespace cross4d::worker
