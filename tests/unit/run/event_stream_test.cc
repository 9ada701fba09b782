// SPDX-License-Identifier: Apache-2.0
#include "core/run/event_stream.h"

#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

namespace cross4d::run {
namespace {

namespace fs = std::filesystem;
using protocol::Event;
using protocol::EventType;

protocol::StageSpec Spec(const std::string& name) {
  protocol::StageSpec spec;
  const fs::path folder =
      fs::path(testing::TempDir()) / ("cross4d_events_" + std::to_string(::getpid())) / name;
  fs::remove_all(folder);
  spec.folder = folder.string();
  spec.key = "k";
  spec.kind = "tokens";
  spec.writer = "w";
  return spec;
}

std::vector<Event> ReadEvents(const std::string& path) {
  std::vector<Event> events;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);)
    events.push_back(protocol::ParseLine(line).value());
  return events;
}

TEST(EventStream, TheSpoolHoldsEverythingButProgress) {
  const auto spec = Spec("whole");
  const std::atomic<bool> stop = false;
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  {
    EventStream events(spec, pipe[1], stop);
    events.Started("host", "{\"threads\":1}");
    events.Report({.phase = "render", .done = 1, .total = 2});
    events.Metric("loss", 1, 0.5);
    events.Log("a line");
    events.Artifact("abc", "{\"bytes\":3}");
    events.Finished();
  }
  ::close(pipe[1]);
  const auto spool = ReadEvents(spec.Spool());
  ASSERT_EQ(spool.size(), 5u);
  for (std::size_t i = 0; i < spool.size(); ++i) {
    EXPECT_EQ(spool[i].sequence, static_cast<std::int64_t>(i) + 1) << "no gaps";
    EXPECT_EQ(spool[i].stage, "k");
    EXPECT_EQ(spool[i].writer, "w");
    EXPECT_GT(spool[i].time, 1.6e9);
  }
  EXPECT_EQ(spool.back().type, EventType::kFinished);
  EXPECT_EQ(spool[3].text, "abc");
  std::string live;
  char buffer[4096];
  for (ssize_t n; (n = ::read(pipe[0], buffer, sizeof buffer)) > 0;)
    live.append(buffer, static_cast<std::size_t>(n));
  ::close(pipe[0]);
  EXPECT_NE(live.find("\"progress\""), std::string::npos);
  EXPECT_NE(live.find("\"finished\""), std::string::npos);
}

TEST(EventStream, TwoWritersOfOneNameAreRefused) {
  const auto spec = Spec("twice");
  const std::atomic<bool> stop = false;
  EventStream first(spec, -1, stop);
  EXPECT_THROW(EventStream(spec, -1, stop), Error);
}

TEST(EventStream, AMetricComesOncePerStep) {
  const auto spec = Spec("metric");
  const std::atomic<bool> stop = false;
  EventStream events(spec, -1, stop);
  events.Metric("loss", 1, 0.5);
  events.Metric("loss", 2, 0.5);
  EXPECT_THROW(events.Metric("loss", 1, 0.25), Error);
}

TEST(EventStream, ProgressIsThinnedOut) {
  const auto spec = Spec("thin");
  const std::atomic<bool> stop = true;
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  EventStream events(spec, pipe[1], stop);
  EXPECT_TRUE(events.StopRequested());
  for (int i = 0; i < 1000; ++i) events.Report({.phase = "train", .done = i, .total = 1000});
  ::close(pipe[1]);
  std::string live;
  char buffer[65536];
  for (ssize_t n; (n = ::read(pipe[0], buffer, sizeof buffer)) > 0;)
    live.append(buffer, static_cast<std::size_t>(n));
  ::close(pipe[0]);
  EXPECT_LT(std::count(live.begin(), live.end(), '\n'), 100);
  EXPECT_GE(std::count(live.begin(), live.end(), '\n'), 1);
}

}  // namespace
}  // namespace cross4d::run
