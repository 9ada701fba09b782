// SPDX-License-Identifier: Apache-2.0
#include "core/launch/display.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace cross4d::launch {
namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr auto kClock = std::chrono::milliseconds(1000);
constexpr int kMaxWorkerLines = 16;
constexpr double kTrustedShare = 0.02;  // below, a stage's own speed says little

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;  // a closed terminal must not stop the runs
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

int TerminalColumns(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 80;
}

// Cut to `columns` characters (UTF-8 continuation bytes take no column).
std::string Fit(const std::string& text, int columns) {
  int used = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (starts && ++used > columns) return text.substr(0, i);
  }
  return text;
}

// A large teacher takes half a minute per clip, a small student sees a thousand per second.
std::string FormatRate(double clips_per_second) {
  if (clips_per_second < 1) return fmt::format("{:.1f} s/clip", 1 / clips_per_second);
  return fmt::format("{:.{}f} clips/s", clips_per_second, clips_per_second < 10 ? 1 : 0);
}

bool Environment(const char* name) {
  const char* value = std::getenv(name);
  return value && *value;
}

}  // namespace

std::string FormatSeconds(double seconds) {
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

Display::Options Display::ForStandardError(int workers) {
  Options options;
  options.workers = workers;
  const char* term = std::getenv("TERM");
  options.terminal = isatty(2) && !(term && std::string_view(term) == "dumb");
  options.colour = options.terminal && !Environment("NO_COLOR");
  return options;
}

Display::Display(Options options) : options_(options), slots_(options.workers) {}

Display::~Display() { Finish(); }

void Display::SetTotal(const std::map<std::string, int>& stages_by_kind, int runs) {
  for (const auto& [kind, count] : stages_by_kind) {
    kinds_[kind].open = count;
    total_ += count;
  }
  runs_ = runs;
}

void Display::StageStarted(int slot, const std::string& label, const std::string& kind) {
  slots_[slot] = {true, label, kind, Clock::now(), Clock::now(), {}};
  changed_ = true;
  if (!options_.terminal && !options_.quiet) Print(fmt::format("start   {:10}  {}", kind, label));
}

void Display::StageProgress(int slot, const protocol::Event& event) {
  slots_[slot].last = event;
  changed_ = true;
}

double Display::Free(int slot) {
  if (slot < 0) return -1;
  slots_[slot].busy = false;
  return slots_[slot].Seconds();
}

void Display::StageDone(int slot, const std::string& label, const std::string& kind) {
  const double seconds = Free(slot);
  Kind& count = kinds_[kind];
  --count.open;
  ++count.done;
  ++finished_;
  changed_ = true;
  if (seconds >= 0) {
    count.seconds += seconds;
    ++count.timed;
  }
  if (options_.terminal || options_.quiet) return;
  Print(fmt::format("done    {:10}  {}  ({}, {} of {})",
                    kind,
                    label,
                    seconds >= 0 ? FormatSeconds(seconds) : "by another process",
                    finished_,
                    total_));
}

void Display::StageFailed(int slot,
                          const std::string& label,
                          const std::string& kind,
                          const std::string& why) {
  Free(slot);
  --kinds_[kind].open;
  ++finished_;
  ++failed_;
  Print(fmt::format("failed  {:10}  {}: {}", kind, label, why), "\x1b[31m");
}

void Display::StageDropped(int slot, const std::string& kind) {
  Free(slot);
  --kinds_[kind].open;
  --total_;
  changed_ = true;
}

void Display::Message(const std::string& line) { Print(line); }

void Display::Print(const std::string& line, const char* colour) {
  Erase();
  const bool coloured = options_.colour && *colour;
  buffer_ += coloured ? fmt::format("{}{}\x1b[0m\n", colour, line) : line + "\n";
  WriteAll(options_.fd, buffer_);
  buffer_.clear();
  changed_ = true;
}

void Display::Erase() {
  if (drawn_lines_ > 0) buffer_ += fmt::format("\r\x1b[{}A\x1b[J", drawn_lines_);
  drawn_lines_ = 0;
}

double Display::Slot::Seconds() const {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double Display::Slot::Share() const {
  if (!busy || last.total <= 0 || last.done <= 0) return 0;
  return std::min(1.0, static_cast<double>(last.done) / static_cast<double>(last.total));
}

// What a stage of each kind takes: as those that are done did, or as the running ones promise, or
// as the others do on average.
double Display::SecondsLeft() const {
  std::map<std::string, Kind> seen = kinds_;
  for (const Slot& slot : slots_) {
    const double share = slot.Share();
    Kind& kind = seen[slot.kind];
    if (share < kTrustedShare || kinds_.at(slot.kind).timed > 0) continue;
    kind.seconds += slot.Seconds() / share;
    ++kind.timed;
  }
  double seconds = 0, all = 0;
  int timed = 0;
  for (const auto& [name, kind] : seen) {
    all += kind.seconds;
    timed += kind.timed;
  }
  if (timed == 0) return -1;
  const auto mean = [&](const Kind& kind) {
    return kind.timed > 0 ? kind.seconds / kind.timed : all / timed;
  };
  for (const auto& [name, kind] : seen) seconds += mean(kind) * kind.open;
  for (const Slot& slot : slots_) seconds -= mean(seen.at(slot.kind)) * slot.Share();
  return std::max(0.0, seconds) / options_.workers;
}

std::string Display::Bar(int columns) const {
  const double left = SecondsLeft();
  const std::string text =
      fmt::format(" {}/{} stages  {}/{} runs{}{}",
                  finished_,
                  total_,
                  runs_done_,
                  runs_,
                  failed_ ? fmt::format("  {} failed", failed_) : "",
                  left >= 0 && finished_ < total_ ? "  " + FormatSeconds(left) + " left" : "");
  const int width = std::clamp(columns - static_cast<int>(text.size()) - 3, 10, 40);
  const int full = total_ > 0 ? width * finished_ / total_ : width;
  return fmt::format("[{:#<{}}{:-<{}}]{}", "", full, "", width - full, text);
}

std::string Display::Slot::Text() const {
  const protocol::Event& e = last;
  std::string line;
  if (e.epochs > 0) {
    line += fmt::format("  epoch {}/{}  loss {:.4f}", e.epoch, e.epochs, e.loss);
  } else if (e.total > 0) {
    line += fmt::format("  {} {}/{}", e.phase, e.done, e.total);
  }
  if (e.rate > 0) line += "  " + FormatRate(e.rate);
  line += "  " + FormatSeconds(Seconds());
  const bool clips = e.epochs == 0 && e.rate > 0 && e.done < e.total;
  if (clips) line += ", " + FormatSeconds(static_cast<double>(e.total - e.done) / e.rate) + " left";
  return line;
}

std::string Display::SlotLine(const Slot& slot) const {
  return slot.busy ? fmt::format("  {}  {}{}", slot.label, slot.kind, slot.Text()) : "  -";
}

void Display::Redraw() {
  Erase();
  const int columns = TerminalColumns(options_.fd);
  buffer_ += Fit(Bar(columns), columns - 1) + "\n";
  ++drawn_lines_;
  for (const Slot& slot : slots_) {
    if (drawn_lines_ > kMaxWorkerLines) break;
    buffer_ += Fit(SlotLine(slot), columns - 1) + "\n";
    ++drawn_lines_;
  }
  WriteAll(options_.fd, buffer_);
  buffer_.clear();
  last_draw_ = Clock::now();
  changed_ = false;
}

// Without a terminal, a sign of life now and then from stages that take long.
void Display::PrintLongStages() {
  for (Slot& slot : slots_) {
    if (!slot.busy || slot.last.total == 0 || Clock::now() - slot.said < options_.say_every) {
      continue;
    }
    slot.said = Clock::now();
    Print(fmt::format("at      {:10}  {}{}", slot.kind, slot.label, slot.Text()));
  }
}

void Display::Tick() {
  if (options_.quiet || total_ == 0) return;
  if (!options_.terminal) {
    PrintLongStages();
    return;
  }
  const auto pause = Clock::now() - last_draw_;
  if (pause >= (changed_ ? kRedraw : kClock)) Redraw();
}

void Display::Finish() {
  Erase();
  WriteAll(options_.fd, buffer_);
  buffer_.clear();
  options_.terminal = false;
  options_.quiet = true;
}

}  // namespace cross4d::launch
