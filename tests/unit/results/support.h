// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/process.h"
#include "core/results/result_store.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace cross4d::results {

/// A folder of its own for one test, removed at the end.
class TempFolder {
 public:
  TempFolder() {
    std::string name = testing::TempDir() + "/cross4d-results-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A plan that owns the maps that PlanRecord points to. Every run has a shared "features" stage,
/// its own "encoder", and one "evaluation" per name.
class TestPlan {
 public:
  explicit TestPlan(std::string experiment = "grid") { record.experiment = std::move(experiment); }

  int Stage(const std::string& key, const std::string& kind) {
    const auto [slot, fresh] = stages_.try_emplace(key, static_cast<int>(record.stages.size()));
    if (fresh) record.stages.push_back({key, kind, kind + " " + key.substr(0, 4)});
    return slot->second;
  }
  RunRecord& Run(const std::string& key,
                 std::int64_t seed,
                 std::map<std::string, std::string> axes,
                 const std::vector<std::string>& evaluations = {"probe"},
                 std::map<std::string, std::string> options = {{"targets.dim", "384"}}) {
    axes_.push_back(axes);
    options.insert(axes.begin(), axes.end());
    options_.push_back(std::move(options));
    RunRecord run;
    run.key = key;
    run.seed = seed;
    run.axes = &axes_.back();
    run.options = &options_.back();
    run.stages.push_back({Stage("f0f0", "features"), ""});
    run.stages.push_back({Stage("e0" + key, "encoder"), ""});
    for (const std::string& name : evaluations) {
      run.stages.push_back({Stage("a0" + key + name, "evaluation"), name});
    }
    record.runs.push_back(run);
    return record.runs.back();
  }

  PlanRecord record;

 private:
  std::map<std::string, int> stages_;
  std::deque<std::map<std::string, std::string>> axes_, options_;
};

inline ClaimRequest Request(const std::string& stage, const std::string& writer = "w1") {
  ClaimRequest request;
  request.stage = stage;
  request.owner = base::ProcessIdentity::Self().Format();
  request.writer = writer;
  request.spec = R"({"key":")" + stage + "\"}";
  request.plugins = {{"student", "point4d", "1.0", "b1", "s1", "student.so"},
                     {"dataset", "noop", "1.0", "b2", "s2", "dataset.so"}};
  request.environment.host = "here";
  request.environment.threads = 1;
  return request;
}

inline FinishRecord Done(const std::string& stage,
                         std::int64_t attempt,
                         const std::string& writer = "w1",
                         std::vector<MetricRecord> metrics = {{"accuracy", -1, 0.5}}) {
  FinishRecord record;
  record.stage = stage;
  record.attempt = attempt;
  record.writer = writer;
  record.metrics = std::move(metrics);
  record.artifact = {"hash-" + stage, 10, "/nowhere/" + stage};
  return record;
}

inline FailRecord Failed(const std::string& stage,
                         std::int64_t attempt,
                         const std::string& cause,
                         const std::string& text = "",
                         const std::string& writer = "w1") {
  FailRecord record;
  record.stage = stage;
  record.attempt = attempt;
  record.writer = writer;
  record.cause = cause;
  record.text = text;
  return record;
}

/// Runs `work` in a child process; its exit code is what `work` returns, 99 if it throws.
inline pid_t Fork(const std::function<int()>& work) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  int code = 99;
  try {
    code = work();
  } catch (const std::exception& exception) {
    ::fprintf(stderr, "child: %s\n", exception.what());
  }
  ::_exit(code);
}

inline int WaitFor(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

inline std::string One(ResultStore& store, const std::string& sql) {
  const SqlResult result = store.Query(sql);
  return result.rows.empty() ? "(no row)" : result.rows[0][0].text;
}

}  // namespace cross4d::results
