// SPDX-License-Identifier: Apache-2.0
#include "core/launch/spool.h"

#include "core/base/file.h"
#include "core/protocol/stage_spec.h"

#include <cross4d/sdk/error.h>

#include <fmt/format.h>

#include <filesystem>

namespace cross4d::launch {
namespace {

using protocol::Event;
using protocol::EventType;

void CheckEvent(const Event& event, const Event& expected, const std::string& where) {
  if (event.stage == expected.stage && event.attempt == expected.attempt &&
      event.writer == expected.writer && event.sequence == expected.sequence) {
    return;
  }
  throw Error(
      ErrorCode::kInternal,
      fmt::format("{}: event {} of stage {}, attempt {}, writer {}; expected event {} of stage "
                  "{}, attempt {}, writer {}. The file was not written by one worker alone: "
                  "its attempt is not recorded",
                  where,
                  event.sequence,
                  event.stage,
                  event.attempt,
                  event.writer,
                  expected.sequence,
                  expected.stage,
                  expected.attempt,
                  expected.writer));
}

}  // namespace

const Event* Spool::End() const {
  if (events.empty()) return nullptr;
  const EventType type = events.back().type;
  return type == EventType::kFinished || type == EventType::kFailed ? &events.back() : nullptr;
}

std::string Spool::ArtifactHash() const {
  for (auto it = events.rbegin(); it != events.rend(); ++it) {
    if (it->type == EventType::kArtifact) return it->text;
  }
  return {};
}

std::string Spool::LogTail(std::size_t count) const {
  std::vector<const std::string*> lines;
  for (auto it = events.rbegin(); it != events.rend() && lines.size() < count; ++it) {
    if (it->type == EventType::kLog) lines.push_back(&it->text);
  }
  std::string text;
  for (auto it = lines.rbegin(); it != lines.rend(); ++it) text += **it + "\n";
  return text;
}

std::optional<Spool> ReadSpool(const std::string& folder,
                               const std::string& stage,
                               std::int64_t attempt,
                               const std::string& writer) {
  protocol::StageSpec names;
  names.folder = folder;
  names.attempt = attempt;
  names.writer = writer;
  const std::string path = names.Spool();
  if (!std::filesystem::exists(path)) return std::nullopt;
  const std::string text = base::ReadFile(path);

  Spool spool;
  Event expected;
  expected.stage = stage;
  expected.attempt = attempt;
  expected.writer = writer;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) {
      spool.cut = true;
      break;
    }
    expected.sequence = static_cast<std::int64_t>(spool.events.size()) + 1;
    const std::string where = fmt::format("{}:{}", path, expected.sequence);
    std::optional<Event> event = protocol::ParseLine(text.substr(begin, end - begin));
    if (!event) {
      if (end + 1 < text.size()) {
        throw Error(ErrorCode::kInternal, where + ": not an event, although lines follow it");
      }
      spool.cut = true;
      break;
    }
    CheckEvent(*event, expected, where);
    spool.events.push_back(std::move(*event));
    begin = end + 1;
  }
  return spool;
}

}  // namespace cross4d::launch
