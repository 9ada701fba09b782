// SPDX-License-Identifier: Apache-2.0
#include "core/protocol/event.h"

#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

namespace cross4d::protocol {
namespace {

Event Metric() {
  Event e;
  e.type = EventType::kMetric;
  e.stage = "0123456789abcdef0123456789abcdef";
  e.attempt = 2;
  e.writer = "w1";
  e.sequence = 7;
  e.time = 1700000000.25;
  e.name = "loss";
  e.step = 3;
  e.value = -0.5;
  return e;
}

TEST(Event, GoldenText) {
  EXPECT_EQ(ToLine(Metric()),
            R"({"attempt":2,"event":"metric","name":"loss","seq":7,)"
            R"("stage":"0123456789abcdef0123456789abcdef","step":3,"time":1700000000.25,)"
            R"("value":-0.5,"writer":"w1"})"
            "\n");
}

TEST(Event, ProgressCarriesItsNumbers) {
  Event e = Metric();
  e.type = EventType::kProgress;
  e.phase = "train";
  e.done = 5;
  e.total = 10;
  e.epoch = 1;
  e.epochs = 20;
  e.loss = 0.25;
  e.rate = 33.5;
  const auto back = ParseLine(ToLine(e));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->phase, "train");
  EXPECT_EQ(back->done, 5);
  EXPECT_EQ(back->total, 10);
  EXPECT_EQ(back->epochs, 20);
  EXPECT_EQ(back->loss, 0.25);
  EXPECT_EQ(back->rate, 33.5);
}

TEST(Event, FailedKeepsCauseAndTextWithAnyBytes) {
  Event e = Metric();
  e.type = EventType::kFailed;
  e.cause = Cause::kDiskFull;
  e.text = "line 1\nline \"2\" \xff";
  const auto back = ParseLine(ToLine(e));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->cause, Cause::kDiskFull);
  EXPECT_EQ(back->text, "line 1\nline \"2\" \xEF\xBF\xBD");
  EXPECT_EQ(ToLine(e).find('\n'), ToLine(e).size() - 1) << "one line";
}

TEST(Event, DataIsAnObject) {
  Event e = Metric();
  e.type = EventType::kReady;
  e.data = R"({"pid":3})";
  EXPECT_EQ(ParseLine(ToLine(e))->data, R"({"pid":3})");
  e.data = "[1";
  EXPECT_THROW(ToLine(e), Error);
}

TEST(Event, EveryCutOfALineIsRecognised) {
  const std::string line = ToLine(Metric());
  for (std::size_t n = 0; n + 2 < line.size(); ++n) {
    EXPECT_FALSE(ParseLine(line.substr(0, n))) << line.substr(0, n);
  }
  EXPECT_TRUE(ParseLine(line.substr(0, line.size() - 1))) << "only the newline is missing";
}

TEST(Event, WrongTypesAreNoEvent) {
  EXPECT_FALSE(ParseLine("[]"));
  EXPECT_FALSE(ParseLine("3"));
  EXPECT_FALSE(ParseLine(R"({"event":"dance","seq":1})"));
  EXPECT_FALSE(ParseLine(R"({"event":"metric","seq":"one"})"));
  EXPECT_FALSE(ParseLine(R"({"event":"metric","seq":1,"value":"x"})"));
}

TEST(Event, CauseNamesRoundTrip) {
  for (int i = 0; i <= static_cast<int>(Cause::kCancelled); ++i) {
    const auto cause = static_cast<Cause>(i);
    EXPECT_EQ(CauseFromName(CauseName(cause)), cause);
  }
  EXPECT_EQ(CauseFromName("something new"), Cause::kError);
}

TEST(Event, MetricsRoundTripBitForBit) {
  rc::check([](double value, std::int64_t step, const std::string& name) {
    RC_PRE(std::isfinite(value));
    Event e = Metric();
    e.value = value;
    e.step = step;
    e.name = name;
    const auto back = ParseLine(ToLine(e));
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->value == value);
    RC_ASSERT(back->step == step);
  });
}

}  // namespace
}  // namespace cross4d::protocol
