// SPDX-License-Identifier: Apache-2.0
// The worker program as the orchestrator sees it: specs in, events out.
#include "core/base/file.h"
#include "core/base/option_json.h"
#include "core/base/process.h"
#include "core/protocol/event.h"
#include "core/protocol/stage_spec.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace cross4d {
namespace {

namespace fs = std::filesystem;
using protocol::Event;
using protocol::EventType;

const fs::path& BinaryDir() {
  static const fs::path dir = std::getenv("CROSS4D_BINARY_DIR");
  return dir;
}

class Worker {
 public:
  Worker() : child_({.arguments = {(BinaryDir() / "bin/cross4d-worker").string(), "serve"}}) {}

  // The next event but progress; nullopt at the end.
  std::optional<Event> Next() {
    for (;;) {
      for (std::size_t end; (end = buffer_.find('\n')) != std::string::npos;) {
        const auto event = protocol::ParseLine(buffer_.substr(0, end));
        buffer_.erase(0, end + 1);
        EXPECT_TRUE(event) << "standard output carries events alone";
        if (event && event->type != EventType::kProgress) return event;
      }
      char bytes[4096];
      const ssize_t n = ::read(child_.stdout_fd(), bytes, sizeof bytes);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        ::usleep(1000);
        continue;
      }
      if (n <= 0) return std::nullopt;
      buffer_.append(bytes, static_cast<std::size_t>(n));
    }
  }
  // All events up to the stage's end.
  std::vector<Event> Stage(const protocol::StageSpec& spec) {
    child_.Write(protocol::ToJson(spec).dump() + "\n");
    std::vector<Event> events;
    while (auto event = Next()) {
      events.push_back(*event);
      if (event->type == EventType::kFinished || event->type == EventType::kFailed) break;
    }
    return events;
  }
  base::ChildProcess& child() { return child_; }

 private:
  base::ChildProcess child_;
  std::string buffer_;
};

protocol::SpecPlugin Plugin(const std::string& role,
                            const std::string& name,
                            OptionValues options) {
  const fs::path file =
      BinaryDir() / "lib/cross4d/plugins" / ("cross4d_" + role + "_" + name + ".so");
  protocol::SpecPlugin plugin;
  plugin.name = name;
  plugin.version = "1.0.0";
  plugin.file = file.string();
  plugin.options = std::move(options);
  return plugin;
}

protocol::StageSpec Tokens(const std::string& key, std::int64_t subjects) {
  const fs::path root = fs::temp_directory_path() / ("cross4d_serve_" + std::to_string(::getpid()));
  protocol::StageSpec spec;
  spec.kind = protocol::kTokens;
  spec.key = key;
  spec.folder = (root / key).string();
  fs::remove_all(spec.folder);
  spec.writer = "w";
  spec.plugins["dataset"] = Plugin("dataset", "synthetic4d", {{"subjects", subjects}});
  spec.plugins["student"] = Plugin(
      "student",
      "point4d",
      {{"centroids", std::vector<std::int64_t>{64, 32}}, {"k", std::vector<std::int64_t>{10, 6}}});
  return spec;
}

TEST(Serve, StagesOneAfterAnotherUntilTheInputEnds) {
  Worker worker;
  const auto ready = worker.Next();
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->type, EventType::kReady);
  EXPECT_EQ(nlohmann::json::parse(ready->data).at("pid").get<int>(), worker.child().pid());

  const auto spec = Tokens("good", 4);
  const auto good = worker.Stage(spec);
  ASSERT_FALSE(good.empty());
  EXPECT_EQ(good.front().type, EventType::kStarted);
  EXPECT_EQ(good.back().type, EventType::kFinished) << good.back().text;
  EXPECT_TRUE(fs::exists(fs::path(spec.Artifact()) / "manifest.json"));
  EXPECT_TRUE(fs::exists(spec.Spool()));

  auto bad = Tokens("bad", 4);
  bad.plugins.at("student").options["dim"] = std::int64_t{-3};
  const auto failed = worker.Stage(bad);
  ASSERT_EQ(failed.back().type, EventType::kFailed);
  EXPECT_EQ(failed.back().cause, protocol::Cause::kError);
  EXPECT_NE(failed.back().text.find("dim"), std::string::npos) << failed.back().text;

  EXPECT_EQ(worker.Stage(Tokens("after", 4)).back().type, EventType::kFinished)
      << "a failed stage does not end the worker";
  worker.child().CloseStdin();
  EXPECT_FALSE(worker.Next());
  EXPECT_EQ(worker.child().Wait().code, 0);
}

TEST(Serve, ATakenSpoolNameFailsWithoutTouchingIt) {
  Worker worker;
  worker.Next();
  const auto spec = Tokens("taken", 4);
  fs::create_directories(spec.folder);
  std::ofstream(spec.Spool()) << "other";
  const auto events = worker.Stage(spec);
  EXPECT_EQ(events.back().type, EventType::kFailed);
  EXPECT_EQ(base::ReadFile(spec.Spool()), "other");
}

TEST(Serve, TermStopsAStagePolitely) {
  Worker worker;
  worker.Next();
  const auto spec = Tokens("stop", 1000);
  worker.child().Write(protocol::ToJson(spec).dump() + "\n");
  EXPECT_EQ(worker.Next()->type, EventType::kStarted);
  worker.child().Signal(SIGTERM);
  const auto end = worker.Next();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->type, EventType::kFailed);
  EXPECT_EQ(end->cause, protocol::Cause::kCancelled) << end->text;
  EXPECT_EQ(worker.child().Wait().code, 130);
  EXPECT_FALSE(fs::exists(spec.Artifact()));
  EXPECT_FALSE(fs::exists(spec.Work()));
}

TEST(Serve, GarbageEndsItWithBadInput) {
  Worker worker;
  worker.Next();
  worker.child().Write("{not json\n");
  EXPECT_FALSE(worker.Next());
  EXPECT_EQ(worker.child().Wait().code, 2);
}

}  // namespace
}  // namespace cross4d
