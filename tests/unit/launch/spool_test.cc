// SPDX-License-Identifier: Apache-2.0
#include "core/launch/spool.h"

#include "core/protocol/event.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/refusal.h"
#include "tests/support/temp_folder.h"

namespace cross4d::launch {
namespace {

using protocol::Event;
using protocol::EventType;

class SpoolTest : public testing::Test {
 protected:
  Event Make(EventType type, std::int64_t sequence, const std::string& text = {}) {
    Event event;
    event.type = type;
    event.stage = "key";
    event.attempt = 2;
    event.writer = "w";
    event.sequence = sequence;
    event.text = text;
    return event;
  }
  void Write(const std::vector<Event>& events, const std::string& rest = {}) {
    std::ofstream file(folder_ / "events.2.w.jsonl");
    for (const Event& event : events) file << protocol::ToLine(event);
    file << rest;
  }
  std::optional<Spool> Read() { return ReadSpool(folder_.path().string(), "key", 2, "w"); }
  std::string Complaint() {
    return test::Refusal([this] { Read(); });
  }

  test::TempFolder folder_;
};

TEST_F(SpoolTest, NoFile) { EXPECT_FALSE(Read().has_value()); }

TEST_F(SpoolTest, WholeAttempt) {
  Write({Make(EventType::kStarted, 1),
         Make(EventType::kLog, 2, "one"),
         Make(EventType::kLog, 3, "two"),
         Make(EventType::kArtifact, 4, "hash"),
         Make(EventType::kFinished, 5)});
  const auto spool = Read();
  ASSERT_TRUE(spool.has_value());
  ASSERT_NE(spool->End(), nullptr);
  EXPECT_EQ(spool->End()->type, EventType::kFinished);
  EXPECT_EQ(spool->ArtifactHash(), "hash");
  EXPECT_EQ(spool->LogTail(1), "two\n");
  EXPECT_EQ(spool->LogTail(9), "one\ntwo\n");
  EXPECT_FALSE(spool->cut);
}

TEST_F(SpoolTest, CutLastLineIsLeftOut) {
  const std::string whole = protocol::ToLine(Make(EventType::kFinished, 2));
  for (std::size_t length = 1; length < whole.size(); ++length) {
    Write({Make(EventType::kStarted, 1)}, whole.substr(0, length));
    const auto spool = Read();
    ASSERT_EQ(spool->events.size(), 1U) << length;
    EXPECT_TRUE(spool->cut);
    EXPECT_EQ(spool->End(), nullptr);
  }
}

TEST_F(SpoolTest, GapIsRefused) {
  Write({Make(EventType::kStarted, 1), Make(EventType::kFinished, 3)});
  EXPECT_THAT(Complaint(), testing::HasSubstr("jsonl:2: event 3"));
}

TEST_F(SpoolTest, AnotherWriterIsRefused) {
  Event foreign = Make(EventType::kFinished, 2);
  foreign.writer = "other";
  Write({Make(EventType::kStarted, 1), foreign});
  EXPECT_THAT(Complaint(), testing::HasSubstr("writer other"));
}

TEST_F(SpoolTest, GarbageInTheMiddleIsRefused) {
  Write({Make(EventType::kStarted, 1)},
        "not json\n" + protocol::ToLine(Make(EventType::kFinished, 2)));
  EXPECT_THAT(Complaint(), testing::HasSubstr("not an event"));
}

}  // namespace
}  // namespace cross4d::launch
