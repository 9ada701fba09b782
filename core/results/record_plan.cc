// SPDX-License-Identifier: Apache-2.0
#include "core/base/hash.h"
#include "core/results/database.h"

#include <nlohmann/json.hpp>

#include <map>

namespace cross4d::results {
namespace {

using Texts = std::map<std::string, std::string>;
const Texts kNoTexts;

const Texts& OrEmpty(const Texts* texts) { return texts ? *texts : kNoTexts; }

/// Feeds everything that a plan says to the hash; lengths keep neighbouring fields apart.
class PlanHash {
 public:
  void Add(const std::string& text) {
    AddNumber(static_cast<std::int64_t>(text.size()));
    buffer_ += text;
    if (buffer_.size() > 1 << 16) Flush();
  }
  void AddNumber(std::int64_t value) {
    buffer_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void Add(const Texts& texts) {
    AddNumber(static_cast<std::int64_t>(texts.size()));
    for (const auto& [key, value] : texts) {
      Add(key);
      Add(value);
    }
  }
  std::string Finish() {
    Flush();
    return sha_.Finish();
  }

 private:
  void Flush() {
    sha_.Update(buffer_.data(), buffer_.size());
    buffer_.clear();
  }
  std::string buffer_;
  base::Sha256 sha_;
};

std::string ContentOf(const PlanRecord& plan) {
  PlanHash hash;
  hash.Add(plan.experiment);
  hash.Add(plan.source);
  hash.Add(plan.tables);
  for (const StageRecord& stage : plan.stages) {
    hash.Add(stage.key);
    hash.Add(stage.kind);
    hash.Add(stage.label);
  }
  for (const RunRecord& run : plan.runs) {
    hash.Add(run.key);
    hash.Add(run.block);
    hash.AddNumber(run.seed);
    hash.Add(OrEmpty(run.axes));
    hash.Add(OrEmpty(run.options));
    for (const RunStageRecord& stage : run.stages) {
      hash.AddNumber(stage.stage);
      hash.Add(stage.evaluation);
    }
  }
  return hash.Finish();
}

/// The options that every run has with the same value.
Texts CommonOptions(const PlanRecord& plan) {
  if (plan.runs.empty()) return {};
  Texts common = OrEmpty(plan.runs.front().options);
  for (const RunRecord& run : plan.runs) {
    const Texts& options = OrEmpty(run.options);
    auto theirs = options.begin();
    for (auto ours = common.begin(); ours != common.end();) {
      while (theirs != options.end() && theirs->first < ours->first) ++theirs;
      const bool same = theirs != options.end() && *theirs == *ours;
      ours = same ? std::next(ours) : common.erase(ours);
    }
  }
  return common;
}

class PlanWriter {
 public:
  PlanWriter(Connection& connection, const PlanRecord& plan) : c_(connection), plan_(plan) {}

  std::int64_t Write(const std::string& content) {
    experiment_ = ExperimentId();
    for (const StageRecord& stage : plan_.stages) stage_ids_.push_back(StageId(stage));
    common_ = CommonOptions(plan_);
    option_set_ = OptionSetId();
    const std::int64_t id = InsertPlan(content);
    for (std::size_t i = 0; i < plan_.runs.size(); ++i) {
      const std::int64_t run = WriteRun(plan_.runs[i]);
      c_.Prepare("INSERT INTO plan_runs (plan, position, run) VALUES (?, ?, ?)")
          .Bind(id, static_cast<std::int64_t>(i), run)
          .Run();
    }
    return id;
  }

 private:
  std::int64_t ExperimentId() {
    c_.Prepare(
          "INSERT INTO experiments (name, created) VALUES (?, ?) ON CONFLICT (name) DO NOTHING")
        .Bind(plan_.experiment, now_)
        .Run();
    Statement find = c_.Prepare("SELECT id FROM experiments WHERE name = ?");
    find.Bind(plan_.experiment).Next();
    return find.Int(0);
  }

  std::int64_t InsertPlan(const std::string& content) {
    c_.Prepare(
          "INSERT INTO plans (experiment, source, tables, content, created) VALUES (?, ?, ?, ?, ?)")
        .Bind(experiment_, OrNull{plan_.source}, plan_.tables, content, now_)
        .Run();
    return c_.database().getLastInsertRowid();
  }

  std::int64_t StageId(const StageRecord& stage) {
    {
      Statement find = c_.Prepare("SELECT id, label FROM stages WHERE key = ?");
      if (find.Bind(stage.key).Next()) return find.Int(0);
    }
    c_.Prepare("INSERT INTO stages (key, kind, label, created) VALUES (?, ?, ?, ?)")
        .Bind(stage.key, stage.kind, OrNull{stage.label}, now_)
        .Run();
    return c_.database().getLastInsertRowid();
  }

  std::int64_t OptionId(const std::string& key, const std::string& value) {
    const auto [slot, fresh] = option_ids_.try_emplace({key, value}, 0);
    if (!fresh) return slot->second;
    Statement find = c_.Prepare("SELECT id FROM options WHERE key = ? AND value = ?");
    if (find.Bind(key, value).Next()) return slot->second = find.Int(0);
    c_.Prepare("INSERT INTO options (key, value) VALUES (?, ?)").Bind(key, value).Run();
    return slot->second = c_.database().getLastInsertRowid();
  }

  std::int64_t OptionSetId() {
    PlanHash hash;
    hash.Add(common_);
    const std::string content = hash.Finish();
    {
      Statement find = c_.Prepare("SELECT id FROM option_sets WHERE content = ?");
      if (find.Bind(content).Next()) return find.Int(0);
    }
    c_.Prepare("INSERT INTO option_sets (content) VALUES (?)").Bind(content).Run();
    const std::int64_t set = c_.database().getLastInsertRowid();
    for (const auto& [key, value] : common_) {
      const std::int64_t option = OptionId(key, value);
      c_.Prepare("INSERT INTO option_set_items (option_set, option) VALUES (?, ?)")
          .Bind(set, option)
          .Run();
    }
    return set;
  }

  /// Options and stages of a run that is there already are replaced: the latest plan says what it
  /// is.
  std::int64_t WriteRun(const RunRecord& run) {
    const std::string axes = nlohmann::json(OrEmpty(run.axes)).dump();
    std::int64_t id = FindRun(run);
    if (id != 0) {
      c_.Prepare("UPDATE runs SET block = ?, axes = ?, option_set = ? WHERE id = ?")
          .Bind(OrNull{run.block}, axes, option_set_, id)
          .Run();
      c_.Prepare("DELETE FROM run_options WHERE run = ?").Bind(id).Run();
      c_.Prepare("DELETE FROM run_stages WHERE run = ?").Bind(id).Run();
    } else {
      c_.Prepare(
            "INSERT INTO runs (key, experiment, seed, block, axes, option_set, created) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)")
          .Bind(run.key, experiment_, run.seed, OrNull{run.block}, axes, option_set_, now_)
          .Run();
      id = c_.database().getLastInsertRowid();
    }
    WriteOptions(id, run);
    WriteStages(id, run);
    return id;
  }

  /// 0 = new.
  std::int64_t FindRun(const RunRecord& run) {
    Statement find = c_.Prepare(
        "SELECT r.id, r.experiment, x.name FROM runs AS r JOIN experiments AS x ON x.id = "
        "r.experiment "
        "WHERE r.key = ?");
    if (!find.Bind(run.key).Next()) return 0;
    if (find.Int(1) != experiment_) {
      throw Error(ErrorCode::kInput,
                  "run " + run.key + " of experiment '" + plan_.experiment +
                      "' belongs to experiment '" + find.Text(2) + "' in " + c_.path().string());
    }
    return find.Int(0);
  }

  void WriteOptions(std::int64_t id, const RunRecord& run) {
    const Texts& options = OrEmpty(run.options);
    Statement insert = c_.Prepare("INSERT INTO run_options (run, option) VALUES (?, ?)");
    auto shared = common_.begin();
    for (const auto& [key, value] : options) {
      while (shared != common_.end() && shared->first < key) ++shared;
      if (shared != common_.end() && shared->first == key) continue;
      insert.Bind(id, OptionId(key, value)).Run();
    }
    // An axis that is no option by itself (a key of an explicit row, say) can still be asked for.
    for (const auto& [key, value] : OrEmpty(run.axes)) {
      if (!options.contains(key) && key != "seed") insert.Bind(id, OptionId(key, value)).Run();
    }
  }

  void WriteStages(std::int64_t id, const RunRecord& run) {
    Statement insert =
        c_.Prepare("INSERT INTO run_stages (run, position, stage, evaluation) VALUES (?, ?, ?, ?)");
    for (std::size_t i = 0; i < run.stages.size(); ++i) {
      const RunStageRecord& stage = run.stages[i];
      insert
          .Bind(id,
                static_cast<std::int64_t>(i),
                stage_ids_.at(static_cast<std::size_t>(stage.stage)),
                OrNull{stage.evaluation})
          .Run();
    }
  }

  Connection& c_;
  const PlanRecord& plan_;
  const double now_ = Now();
  std::int64_t experiment_ = 0, option_set_ = 0;
  std::vector<std::int64_t> stage_ids_;
  Texts common_;
  std::map<std::pair<std::string, std::string>, std::int64_t> option_ids_;
};

/// The experiment's latest plan if it says exactly this; else 0.
std::int64_t SamePlan(Connection& connection, const PlanRecord& plan, const std::string& content) {
  Statement find = connection.Prepare(
      "SELECT p.id, p.content FROM plans AS p JOIN experiments AS x ON x.id = p.experiment "
      "WHERE x.name = ? ORDER BY p.id DESC LIMIT 1");
  if (!find.Bind(plan.experiment).Next() || find.Text(1) != content) return 0;
  return find.Int(0);
}

}  // namespace

std::int64_t ResultStore::RecordPlan(const PlanRecord& plan) {
  Connection& connection = state_->connection;
  const std::string content = ContentOf(plan);
  const std::int64_t same = connection.Guard([&] { return SamePlan(connection, plan, content); });
  if (same != 0) return same;
  return connection.Write([&] {
    // Another process may have recorded it while this one waited for the lock.
    const std::int64_t raced = SamePlan(connection, plan, content);
    return raced != 0 ? raced : PlanWriter(connection, plan).Write(content);
  });
}

}  // namespace cross4d::results
