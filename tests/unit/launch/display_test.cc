// SPDX-License-Identifier: Apache-2.0
#include "core/launch/display.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

namespace cross4d::launch {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A display whose output can be read back.
class DisplayTest : public ::testing::Test {
 protected:
  DisplayTest() { EXPECT_EQ(pipe2(pipe_, O_NONBLOCK | O_CLOEXEC), 0); }
  ~DisplayTest() override {
    close(pipe_[0]);
    close(pipe_[1]);
  }
  Display::Options Options(bool terminal) const {
    Display::Options options;
    options.fd = pipe_[1];
    options.terminal = terminal;
    options.workers = 1;
    return options;
  }
  std::string Shown() const {
    std::string text;
    char buffer[4096];
    for (ssize_t size; (size = read(pipe_[0], buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(size));
    }
    return text;
  }
  static void Pause() { std::this_thread::sleep_for(std::chrono::milliseconds(120)); }

  int pipe_[2] = {-1, -1};
};

protocol::Event Progress(std::int64_t done, std::int64_t total) {
  protocol::Event event;
  event.type = protocol::EventType::kProgress;
  event.done = done;
  event.total = total;
  event.epoch = 1;
  event.epochs = 2;
  event.loss = 0.25;
  event.rate = 12;
  return event;
}

TEST_F(DisplayTest, TheFirstStageAlreadyGivesAnEstimate) {
  Display display(Options(true));
  display.SetTotal({{"encoder", 2}}, 2);
  display.StageStarted(0, "dense seed 0", "encoder");
  Pause();
  display.Tick();
  EXPECT_THAT(Shown(), Not(HasSubstr("left"))) << "nothing is known yet";
  display.StageProgress(0, Progress(50, 100));
  Pause();
  display.Tick();
  const std::string shown = Shown();
  EXPECT_THAT(shown, HasSubstr("0/2 stages  0/2 runs"));
  EXPECT_THAT(shown, HasSubstr(" s left")) << "half of one stage and a whole one remain";
  EXPECT_THAT(shown, HasSubstr("dense seed 0  encoder  epoch 1/2  loss 0.2500  12 clips/s"));
}

TEST_F(DisplayTest, ClipsHaveARateAndATimeOfTheirOwn) {
  Display display(Options(true));
  display.SetTotal({{"features", 1}}, 1);
  display.StageStarted(0, "dinov2", "features");
  protocol::Event event = Progress(57, 557);
  event.phase = "features";
  event.epochs = 0;
  event.rate = 0.04;
  display.StageProgress(0, event);
  Pause();
  display.Tick();
  const std::string shown = Shown();
  EXPECT_THAT(shown, HasSubstr("dinov2  features  features 57/557  25.0 s/clip"));
  EXPECT_THAT(shown, HasSubstr(", 3 h 28 min left"));
}

TEST_F(DisplayTest, WithoutATerminalALongStageSaysNowAndThenHowFarItIs) {
  Display::Options options = Options(false);
  options.say_every = std::chrono::milliseconds(60);
  Display display(options);
  display.SetTotal({{"features", 1}}, 1);
  display.StageStarted(0, "dinov2", "features");
  display.StageProgress(0, Progress(5, 10));
  display.Tick();
  EXPECT_THAT(Shown(), Not(HasSubstr("at  ")));
  Pause();
  display.Tick();
  display.Tick();
  const std::string shown = Shown();
  EXPECT_THAT(shown, HasSubstr("at      features    dinov2  epoch 1/2"));
  EXPECT_EQ(shown.find("at  "), shown.rfind("at  ")) << "once";
}

TEST_F(DisplayTest, PlainLinesWhenItIsNoTerminal) {
  Display display(Options(false));
  display.SetTotal({{"encoder", 1}}, 1);
  display.StageStarted(0, "dense seed 0", "encoder");
  display.StageProgress(0, Progress(50, 100));
  display.Tick();
  display.StageDone(0, "dense seed 0", "encoder");
  const std::string shown = Shown();
  EXPECT_THAT(shown, HasSubstr("start   encoder     dense seed 0\n"));
  EXPECT_THAT(shown, HasSubstr("done    encoder     dense seed 0  ("));
  EXPECT_THAT(shown, Not(HasSubstr("\x1b"))) << "no escape sequences";
}

}  // namespace
}  // namespace cross4d::launch
