// SPDX-License-Identifier: Apache-2.0
#include "core/run/event_stream.h"

#include "core/base/file.h"

#include <cross4d/sdk/error.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace cross4d::run {
namespace {

using protocol::Event;
using protocol::EventType;

constexpr std::chrono::milliseconds kShowEvery{100};

double Now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

}  // namespace

void WriteAll(int fd, std::string_view text, const std::string& name) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const std::string why = errno == ENOSPC ? "disk full" : std::strerror(errno);
      throw Error(ErrorCode::kEnvironment, "cannot write " + name + ": " + why);
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

EventStream::EventStream(const protocol::StageSpec& spec, int live, const std::atomic<bool>& stop)
    : spec_(spec), live_(live), stop_(stop) {
  base::MakeFolders(spec.folder);
  spool_ = ::open(spec.Spool().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
  if (spool_ < 0) {
    const std::string why = errno == EEXIST   ? "it exists already: another writer has this name"
                            : errno == ENOSPC ? "disk full"
                                              : std::strerror(errno);
    throw Error(ErrorCode::kEnvironment, "cannot open the spool " + spec.Spool() + ": " + why);
  }
}

EventStream::~EventStream() { ::close(spool_); }

Event EventStream::Make(EventType type) const {
  Event e;
  e.type = type;
  e.stage = spec_.key;
  e.attempt = spec_.attempt;
  e.writer = spec_.writer;
  e.time = Now();
  return e;
}

void EventStream::Emit(Event event) {
  event.sequence = ++sequence_;
  const std::string line = protocol::ToLine(event);
  WriteAll(spool_, line, spec_.Spool());
  const bool end = event.type == EventType::kFinished || event.type == EventType::kFailed;
  if (live_ < 0) return;
  unsent_ += line;
  if (end) Show({});
}

void EventStream::Show(std::string_view line) {
  unsent_ += line;
  WriteAll(live_, unsent_, "standard output");
  unsent_.clear();
}

void EventStream::Started(const std::string& host, const std::string& data) {
  Event e = Make(EventType::kStarted);
  e.text = host;
  e.data = data;
  Emit(std::move(e));
}

void EventStream::Artifact(const std::string& hash, const std::string& data) {
  Event e = Make(EventType::kArtifact);
  e.text = hash;
  e.data = data;
  Emit(std::move(e));
}

void EventStream::Finished() { Emit(Make(EventType::kFinished)); }

void EventStream::Failed(protocol::Cause cause, const std::string& text) {
  Event e = Make(EventType::kFailed);
  e.cause = cause;
  e.text = text;
  Emit(std::move(e));
}

void EventStream::Report(const protocol::Progress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (live_ < 0 || now - shown_ < kShowEvery) return;
  shown_ = now;
  Event e = Make(EventType::kProgress);
  e.phase = progress.phase;
  e.done = progress.done;
  e.total = progress.total;
  e.epoch = progress.epoch;
  e.epochs = progress.epochs;
  e.loss = progress.loss;
  e.rate = progress.rate;
  Show(protocol::ToLine(e));
}

void EventStream::Metric(std::string_view name, std::int64_t step, double value) {
  if (!metrics_.emplace(name, step).second) {
    throw Error(ErrorCode::kPlugin,
                "metric '" + std::string(name) + "' was reported twice for step " +
                    std::to_string(step) + "; give the objective's monitor another name");
  }
  Event e = Make(EventType::kMetric);
  e.name = name;
  e.step = step;
  e.value = value;
  Emit(std::move(e));
}

void EventStream::Log(std::string_view text) {
  Event e = Make(EventType::kLog);
  e.text = text;
  Emit(std::move(e));
}

}  // namespace cross4d::run
