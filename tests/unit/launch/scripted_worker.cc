// SPDX-License-Identifier: Apache-2.0
// A worker for tests of the scheduler: no LibTorch, real spools and artifacts. What it does with a
// stage stands in options.pretrain.script: "" (finish), "fail", "segfault", "exit", "cut" (die in
// the middle of a spool line), "wait" (until a stop is asked for).
#include "core/base/file.h"
#include "core/protocol/event.h"
#include "core/protocol/stage_spec.h"
#include "core/store/store.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <iostream>

namespace {

using namespace cross4d;
using protocol::Event;
using protocol::EventType;

std::atomic<bool> stop = false;

class Attempt {
 public:
  explicit Attempt(const protocol::StageSpec& spec) : spec_(spec) {
    base::MakeFolders(spec.folder);
    fd_ = open(spec.Spool().c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (fd_ < 0) _exit(99);
  }
  ~Attempt() { close(fd_); }

  void Emit(Event event) {
    event.stage = spec_.key;
    event.attempt = spec_.attempt;
    event.writer = spec_.writer;
    event.sequence = ++sequence_;
    const std::string line = protocol::ToLine(event);
    Write(line);
    std::fputs(line.c_str(), stdout);
    std::fflush(stdout);
  }
  void Write(const std::string& text) {
    if (write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) _exit(98);
  }

 private:
  const protocol::StageSpec& spec_;
  int fd_;
  std::int64_t sequence_ = 0;
};

Event Make(EventType type, const std::string& text = {}) {
  Event event;
  event.type = type;
  event.text = text;
  return event;
}

void Fail(Attempt& attempt, protocol::Cause cause, const std::string& text) {
  Event event = Make(EventType::kFailed, text);
  event.cause = cause;
  attempt.Emit(event);
}

std::string Script(const protocol::StageSpec& spec) {
  const auto section = spec.options.find("pretrain");
  if (section == spec.options.end()) return {};
  const auto value = section->second.find("script");
  return value == section->second.end() ? "" : std::get<std::string>(value->second);
}

void Execute(const protocol::StageSpec& spec) {
  const std::string script = Script(spec);
  Attempt attempt(spec);
  attempt.Emit(Make(EventType::kStarted, "host"));
  attempt.Emit(Make(EventType::kLog, "script " + script));
  if (script == "fail") return Fail(attempt, protocol::Cause::kError, "told to fail");
  if (script == "segfault") {
    signal(SIGSEGV, SIG_DFL);  // not AddressSanitizer's
    raise(SIGSEGV);
  }
  if (script == "exit") _exit(7);
  if (script == "cut") {
    attempt.Write("{\"event\":\"met");
    raise(SIGKILL);
  }
  if (script == "wait") {
    while (!stop) usleep(1000);
    return Fail(attempt, protocol::Cause::kCancelled, "stopped on request");
  }
  for (const auto& [kind, folder] : spec.inputs) base::ReadFile(folder + "/result.txt");
  base::MakeFolders(spec.Work());
  base::WriteFileAtomically(spec.Work() + "/result.txt", spec.kind + " " + spec.key, false);
  base::WriteFileAtomically(spec.Work() + "/threads.txt", std::to_string(spec.threads), false);
  const store::PublishResult published = store::Publish(spec.Work(), spec.Artifact());
  Event metric = Make(EventType::kMetric);
  metric.name = "accuracy";
  metric.value = static_cast<double>(spec.seed) + 0.5;
  attempt.Emit(metric);
  attempt.Emit(Make(EventType::kArtifact, published.manifest.hash));
  attempt.Emit(Make(EventType::kFinished));
}

}  // namespace

int main() {
  signal(SIGINT, [](int) { stop = true; });
  std::fputs(protocol::ToLine(Make(EventType::kReady)).c_str(), stdout);
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    Execute(protocol::SpecFromJson(nlohmann::json::parse(line)));
    if (stop) return 130;
  }
  return 0;
}
