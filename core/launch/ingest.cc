// SPDX-License-Identifier: Apache-2.0
#include "core/launch/ingest.h"

#include "core/base/file.h"
#include "core/launch/stage_specs.h"
#include "core/protocol/event.h"

#include <cross4d/sdk/error.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace cross4d::launch {
namespace {

using nlohmann::json;
using protocol::Event;
using protocol::EventType;
using results::StageState;

constexpr std::size_t kLogTailLines = 20;

json Data(const Spool& spool, EventType type) {
  for (const Event& event : spool.events) {
    if (event.type != type || event.data.empty()) continue;
    json data = json::parse(event.data, nullptr, false);
    if (data.is_object()) return data;
  }
  return json::object();
}

std::string Text(const json& data, const char* key) {
  const auto found = data.find(key);
  return found != data.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<results::MetricRecord> Metrics(const Spool& spool) {
  std::vector<results::MetricRecord> metrics;
  for (const Event& event : spool.events) {
    if (event.type == EventType::kMetric) metrics.push_back({event.name, event.step, event.value});
  }
  return metrics;
}

std::string Join(const std::string& cause, const std::string& text) {
  if (text.empty()) return cause;
  return cause == protocol::CauseName(protocol::Cause::kError) ? text : cause + ": " + text;
}

}  // namespace

std::optional<Spool> Ingest::Read(const Attempt& attempt) const {
  return ReadSpool(store_.StageFolder(attempt.stage->key).string(),
                   attempt.stage->key,
                   attempt.number,
                   attempt.writer);
}

Ending Ingest::Fail(const Attempt& attempt, results::FailRecord record, const Spool* spool) {
  record.stage = attempt.stage->key;
  record.attempt = attempt.number;
  record.writer = attempt.writer;
  if (spool) {
    record.metrics = Metrics(*spool);
    if (record.log_tail.empty()) record.log_tail = spool->LogTail(kLogTailLines);
  }
  const bool refused = results_.Fail(record) == results::WriteResult::kRefused;
  return {false, refused, record.state, Join(record.cause, record.text)};
}

Ending Ingest::FailAsSaid(const Attempt& attempt, const Event& end, const Spool* spool) {
  results::FailRecord record;
  record.cause = protocol::CauseName(end.cause == protocol::Cause::kNone ? protocol::Cause::kError
                                                                         : end.cause);
  record.text = end.text;
  if (end.cause == protocol::Cause::kCancelled) record.state = StageState::kCancelled;
  return Fail(attempt, std::move(record), spool);
}

Ending Ingest::Finish(const Attempt& attempt, const Spool& spool) {
  results::FinishRecord record;
  record.stage = attempt.stage->key;
  record.attempt = attempt.number;
  record.writer = attempt.writer;
  record.metrics = Metrics(spool);
  record.log_tail = spool.LogTail(kLogTailLines);
  const json data = Data(spool, EventType::kArtifact);
  record.artifact.hash = spool.ArtifactHash();
  record.artifact.folder = store_.Artifact(attempt.stage->key).string();
  record.artifact.bytes = data.value("bytes", std::int64_t{0});
  for (const auto& [role, key] :
       {std::pair("dataset", "fingerprint"), {"teacher", "teacher_fingerprint"}}) {
    const std::string fingerprint = Text(data, key);
    const auto plugin = attempt.stage->plugins().find(role);
    if (fingerprint.empty() || plugin == attempt.stage->plugins().end()) continue;
    record.fingerprints.push_back(
        {FingerprintKey(*plugin->second), fingerprint, grid::LocationText(*plugin->second)});
  }
  try {
    if (results_.Finish(record) == results::WriteResult::kRefused) return {false, true, {}, {}};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInput) throw;
    // Another process has meanwhile recorded other content for the same data set.
    results::FailRecord failure;
    failure.cause = protocol::CauseName(protocol::Cause::kError);
    failure.text = error.what();
    return Fail(attempt, std::move(failure), &spool);
  }
  return {true, false, StageState::kDone, {}};
}

Ending Ingest::Ended(const Attempt& attempt, const Event& said) {
  results::FailRecord record;
  record.cause = protocol::CauseName(protocol::Cause::kError);
  try {
    const std::optional<Spool> spool = Read(attempt);
    if (spool && spool->End()) {
      return spool->End()->type == EventType::kFinished
                 ? Finish(attempt, *spool)
                 : FailAsSaid(attempt, *spool->End(), &*spool);
    }
    if (said.type == EventType::kFailed) {
      return FailAsSaid(attempt, said, spool ? &*spool : nullptr);
    }
    record.text = fmt::format("the worker reported an end that its spool in {} does not have",
                              store_.StageFolder(attempt.stage->key).string());
    return Fail(attempt, std::move(record), spool ? &*spool : nullptr);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInternal) throw;
    record.text = error.what();
    return Fail(attempt, std::move(record), nullptr);
  }
}

Ending Ingest::Died(const Attempt& attempt,
                    const base::ExitStatus& status,
                    bool out_of_memory,
                    const std::string& stderr_tail) {
  const std::optional<Spool> spool = Read(attempt);
  if (spool && spool->End()) return Ended(attempt, *spool->End());
  results::FailRecord record;
  record.cause =
      out_of_memory ? protocol::CauseName(protocol::Cause::kOutOfMemory) : status.Describe();
  if (spool) record.log_tail = spool->LogTail(kLogTailLines);
  record.log_tail += stderr_tail;
  const std::size_t last = stderr_tail.find_last_not_of('\n');
  if (last != std::string::npos) {
    const std::size_t begin = stderr_tail.rfind('\n', last);
    record.text = stderr_tail.substr(begin + 1, last - begin);
  }
  return Fail(attempt, std::move(record), spool ? &*spool : nullptr);
}

Ending Ingest::Cancelled(const Attempt& attempt) {
  const std::optional<Spool> spool = Read(attempt);
  if (spool && spool->End()) return Ended(attempt, *spool->End());
  results::FailRecord record;
  record.state = StageState::kCancelled;
  record.cause = protocol::CauseName(protocol::Cause::kCancelled);
  return Fail(attempt, std::move(record), spool ? &*spool : nullptr);
}

bool Ingest::Adopt(const grid::StageNode& stage, const results::StageStatus& status) {
  if (status.state != StageState::kRunning) return false;
  const auto owner = base::ProcessIdentity::Parse(status.owner);
  if (!owner || base::CheckLiveness(*owner) != base::Liveness::kDead) return false;
  const Attempt attempt{&stage, status.attempt, status.writer};
  std::optional<Spool> spool;
  try {
    spool = Read(attempt);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInternal) throw;
    return false;  // not the work of one writer: the stage is computed again
  }
  if (!spool || !spool->End()) return false;
  if (spool->End()->type == EventType::kFinished) {
    if (!store_.HasArtifact(stage.key)) return false;
    const std::string hash = store::ReadManifest(store_.Artifact(stage.key)).hash;
    if (hash != spool->ArtifactHash()) return false;
    return Finish(attempt, *spool).done;
  }
  // A stop that the dead orchestrator had asked for says nothing: the next claim goes on.
  if (spool->End()->cause == protocol::Cause::kCancelled) return false;
  FailAsSaid(attempt, *spool->End(), &*spool);
  return true;
}

std::int64_t OutOfMemoryKills() {
  std::error_code ignored;
  if (!std::filesystem::exists("/proc/vmstat", ignored)) return 0;
  const std::string text = base::ReadFile("/proc/vmstat");
  const std::string_view key = "\noom_kill ";
  const std::size_t at = text.find(key);
  return at == text.npos ? 0 : std::atoll(text.c_str() + at + key.size());
}

}  // namespace cross4d::launch
