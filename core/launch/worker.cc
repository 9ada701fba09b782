// SPDX-License-Identifier: Apache-2.0
#include "core/launch/worker.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace cross4d::launch {

Worker::Worker(std::string program, std::string stderr_file)
    : program_(std::move(program)), stderr_file_(std::move(stderr_file)) {}

void Worker::Start() {
  base::ChildProcess::Options options;
  options.arguments = {program_, "serve"};
  options.stderr_file = stderr_file_;
  // The terminal's Ctrl-C must not reach the worker: this process decides when it stops.
  options.new_process_group = true;
  child_ = std::make_unique<base::ChildProcess>(options);
  partial_.clear();
  const int flags = fcntl(child_->stdout_fd(), F_GETFL);
  fcntl(child_->stdout_fd(), F_SETFL, flags | O_NONBLOCK);
}

bool Worker::Send(const protocol::StageSpec& spec) {
  if (!child_) Start();
  return child_->Write(protocol::ToJson(spec).dump() + "\n");
}

std::vector<protocol::Event> Worker::Read(bool& ended) {
  std::vector<protocol::Event> events;
  std::array<char, 1 << 16> buffer;
  while (true) {
    const ssize_t size = read(child_->stdout_fd(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) break;
    if (size <= 0) {
      ended = true;
      break;
    }
    partial_.append(buffer.data(), static_cast<std::size_t>(size));
    if (static_cast<std::size_t>(size) < buffer.size()) break;
  }
  std::size_t begin = 0;
  for (std::size_t end; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    // Anything else on the pipe (a plugin that prints to standard output) is not for us.
    if (auto event = protocol::ParseLine(partial_.substr(begin, end - begin))) {
      events.push_back(std::move(*event));
    }
  }
  partial_.erase(0, begin);
  return events;
}

void Worker::Signal(int signal) {
  if (child_) child_->Signal(signal);
}

base::ExitStatus Worker::Reap() {
  const base::ExitStatus status = child_->Wait();
  child_.reset();
  return status;
}

void Worker::Close() {
  if (child_) child_->CloseStdin();
}

}  // namespace cross4d::launch
