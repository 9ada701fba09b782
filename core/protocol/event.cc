// SPDX-License-Identifier: Apache-2.0
#include "core/protocol/event.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <array>
#include <limits>
#include <utility>

namespace cross4d::protocol {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<EventType, const char*>, 8> kTypes = {{
    {EventType::kReady, "ready"},
    {EventType::kStarted, "started"},
    {EventType::kProgress, "progress"},
    {EventType::kMetric, "metric"},
    {EventType::kArtifact, "artifact"},
    {EventType::kLog, "log"},
    {EventType::kFinished, "finished"},
    {EventType::kFailed, "failed"},
}};

constexpr std::array<std::pair<Cause, const char*>, 8> kCauses = {{
    {Cause::kNone, "none"},
    {Cause::kError, "error"},
    {Cause::kExitCode, "exit code"},
    {Cause::kSignal, "signal"},
    {Cause::kOutOfMemory, "out of memory"},
    {Cause::kTimeout, "timeout"},
    {Cause::kDiskFull, "disk full"},
    {Cause::kCancelled, "cancelled"},
}};

const char* TypeName(EventType type) {
  for (const auto& [value, name] : kTypes) {
    if (value == type) return name;
  }
  return "log";
}

bool TypeFromName(const std::string& name, EventType* type) {
  for (const auto& [value, known] : kTypes) {
    if (name == known) return *type = value, true;
  }
  return false;
}

// Reads `key` into `out` if it is there with the right type; false = there with a wrong type.
template <class T>
bool Get(const json& object, const char* key, T* out) {
  const auto it = object.find(key);
  if (it == object.end()) return true;
  if constexpr (std::is_same_v<T, std::string>) {
    if (!it->is_string()) return false;
  } else if constexpr (std::is_floating_point_v<T>) {
    // JSON has no NaN: the writer's library puts null.
    if (it->is_null()) return *out = std::numeric_limits<double>::quiet_NaN(), true;
    if (!it->is_number()) return false;
  } else {
    if (!it->is_number_integer()) return false;
  }
  *out = it->template get<T>();
  return true;
}

void PutProgress(const Event& e, json* object) {
  json& o = *object;
  o["phase"] = e.phase;
  o["done"] = e.done;
  o["total"] = e.total;
  if (e.epochs != 0) {
    o["epoch"] = e.epoch;
    o["epochs"] = e.epochs;
    o["loss"] = e.loss;
  }
  if (e.rate != 0) o["rate"] = e.rate;
}

}  // namespace

std::string CauseName(Cause cause) {
  for (const auto& [value, name] : kCauses) {
    if (value == cause) return name;
  }
  return "error";
}

Cause CauseFromName(const std::string& name) {
  for (const auto& [value, known] : kCauses) {
    if (name == known) return value;
  }
  return Cause::kError;
}

std::string ToLine(const Event& e) {
  json o = {{"event", TypeName(e.type)}, {"seq", e.sequence}, {"time", e.time}};
  if (!e.stage.empty()) o["stage"] = e.stage;
  if (e.attempt != 0) o["attempt"] = e.attempt;
  if (!e.writer.empty()) o["writer"] = e.writer;
  if (e.type == EventType::kProgress) PutProgress(e, &o);
  if (e.type == EventType::kMetric) {
    o["name"] = e.name;
    o["step"] = e.step;
    o["value"] = e.value;
  }
  if (!e.text.empty()) o["text"] = e.text;
  if (e.cause != Cause::kNone) o["cause"] = CauseName(e.cause);
  if (!e.data.empty()) {
    json data = json::parse(e.data, nullptr, false);
    if (!data.is_object()) {
      throw Error(ErrorCode::kInternal, "event data is not a JSON object: " + e.data);
    }
    o["data"] = std::move(data);
  }
  // Texts of plugins and file names may hold bytes that are not UTF-8.
  return o.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::optional<Event> ParseLine(const std::string& line) {
  const json o = json::parse(line, nullptr, false);
  if (!o.is_object()) return std::nullopt;
  Event e;
  std::string type, cause;
  bool ok = Get(o, "event", &type) && TypeFromName(type, &e.type) && Get(o, "seq", &e.sequence) &&
            Get(o, "time", &e.time) && Get(o, "stage", &e.stage) && Get(o, "attempt", &e.attempt) &&
            Get(o, "writer", &e.writer) && Get(o, "phase", &e.phase) && Get(o, "done", &e.done) &&
            Get(o, "total", &e.total) && Get(o, "epoch", &e.epoch) && Get(o, "epochs", &e.epochs) &&
            Get(o, "loss", &e.loss) && Get(o, "rate", &e.rate) && Get(o, "name", &e.name) &&
            Get(o, "step", &e.step) && Get(o, "value", &e.value) && Get(o, "text", &e.text) &&
            Get(o, "cause", &cause);
  if (!ok) return std::nullopt;
  if (!cause.empty()) e.cause = CauseFromName(cause);
  if (const auto it = o.find("data"); it != o.end()) {
    if (!it->is_object()) return std::nullopt;
    e.data = it->dump();
  }
  return e;
}

}  // namespace cross4d::protocol
