// SPDX-License-Identifier: Apache-2.0
#include "core/grid/expand.h"

#include "core/base/hash.h"
#include "core/base/option_json.h"
#include "core/grid/check_run.h"
#include "core/grid/resolve.h"
#include "core/grid/stages.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

namespace cross4d::grid {
namespace {

using config::Setting;

// Beyond this a grid is a mistake, and a plan would not fit into memory.
constexpr std::int64_t kMostRuns = 1'000'000;

// Walks the combinations of one block.
class BlockExpander {
 public:
  BlockExpander(const config::Experiment& experiment,
                const config::Block& block,
                PlanGraph& graph,
                StageBuilder& stages,
                std::unordered_map<std::string, int>& runs_by_key,
                RunChecker& checker)
      : experiment_(experiment),
        block_(block),
        graph_(graph),
        stages_(stages),
        runs_by_key_(runs_by_key),
        checker_(checker),
        resolver_(experiment, block),
        settings_(resolver_.slots() + 1),
        exclude_hits_(block.excludes.size(), 0),
        when_hits_(block.whens.size(), 0) {}

  void Run() {
    const double most = MostRuns();
    if (most > static_cast<double>(kMostRuns)) {
      checker_.Error(block_.where,
                     "this grid has up to " + FormatOption(most) + " runs, more than " +
                         std::to_string(kMostRuns));
      return;
    }
    if (block_.whens.empty()) {
      stages_.Reserve(static_cast<std::size_t>(most), experiment_.evaluations.size());
    }
    WalkAxes(block_.axes, 0, 0);
    graph_.block_counts[block_.name] += count_;
    WarnOfIdleConditions();
  }

 private:
  void WarnOfIdleConditions() {
    // After an error, or with a value from the command line, a condition may well be idle.
    if (checker_.HasErrors() || !experiment_.overrides.empty()) return;
    for (std::size_t i = 0; i < exclude_hits_.size(); ++i) {
      if (exclude_hits_[i] == 0) {
        checker_.Warn(block_.excludes[i].where, "this exclude matches no run");
      }
    }
    for (std::size_t i = 0; i < when_hits_.size(); ++i) {
      if (when_hits_[i] == 0) {
        checker_.Warn(block_.whens[i].condition.where, "this condition never holds");
      }
    }
  }

  // An upper bound: excludes and conditions only take away.
  double MostRuns() const {
    double runs = static_cast<double>(block_.seeds.size());
    for (const config::Axis& axis : block_.axes) runs *= static_cast<double>(axis.points.size());
    for (const config::ConditionalAxes& when : block_.whens) {
      for (const config::Axis& axis : when.axes) runs *= static_cast<double>(axis.points.size());
    }
    return runs;
  }

  // `next_when` conditional groups have been dealt with once the axes are through.
  void WalkAxes(const std::vector<config::Axis>& axes, std::size_t index, std::size_t next_when) {
    if (index == axes.size()) {
      WalkWhens(next_when);
      return;
    }
    for (const config::Layer& point : axes[index].points) {
      for (const Setting& s : point) {
        settings_[resolver_.SlotOf(s.path)].push_back(&s);
        chosen_.push_back(&s);
      }
      WalkAxes(axes, index + 1, next_when);
      for (auto s = point.rbegin(); s != point.rend(); ++s) {
        settings_[resolver_.SlotOf(s->path)].pop_back();
        chosen_.pop_back();
      }
    }
  }

  void WalkWhens(std::size_t index) {
    if (index == block_.whens.size()) {
      Combination();
      return;
    }
    if (Holds(block_.whens[index].condition, nullptr)) {
      ++when_hits_[index];
      WalkAxes(block_.whens[index].axes, 0, index + 1);
    } else {
      WalkWhens(index + 1);
    }
  }

  // Without a seed, terms on it count as fulfilled.
  bool Holds(const config::Condition& condition, const std::int64_t* seed) {
    return std::all_of(condition.terms.begin(), condition.terms.end(), [&](const auto& term) {
      if (term.path.area.empty() && term.path.evaluation.empty()) {
        if (seed == nullptr) return true;
        return std::any_of(term.any_of.begin(), term.any_of.end(), [seed](const OptionValue& v) {
          const auto* number = std::get_if<std::int64_t>(&v);
          return number != nullptr && *number == *seed;
        });
      }
      return TermHolds(term);
    });
  }

  bool TermHolds(const config::Condition::Term& term) {
    const std::size_t slot = resolver_.SlotOf(term.path);
    if (slot >= resolver_.slots()) return false;
    const Part& part = resolver_.Get(slot, settings_);
    if (part.plugin && term.path.option == "plugin") {
      return std::find(term.any_of.begin(),
                       term.any_of.end(),
                       OptionValue(part.plugin->plugin->name)) != term.any_of.end();
    }
    if (part.plugin && !term.path.plugin.empty() && term.path.plugin != part.plugin->plugin->name) {
      return false;
    }
    if (term.path.option == "preset") {
      return std::find(term.any_of.begin(), term.any_of.end(), OptionValue(part.preset)) !=
             term.any_of.end();
    }
    const OptionValue* value = part.Find(term.path.option);
    if (value == nullptr) return false;
    return std::any_of(term.any_of.begin(), term.any_of.end(), [value](const OptionValue& v) {
      return CoerceOption(static_cast<OptionType>(value->index()), v) == *value;
    });
  }

  void Combination() {
    std::vector<const config::Condition*> by_seed;
    for (std::size_t i = 0; i < block_.excludes.size(); ++i) {
      const config::Condition& exclude = block_.excludes[i];
      if (!Holds(exclude, nullptr)) continue;
      ++exclude_hits_[i];
      const bool seeded =
          std::any_of(exclude.terms.begin(), exclude.terms.end(), [](const auto& t) {
            return t.path.area.empty() && t.path.evaluation.empty();
          });
      if (!seeded) return;
      by_seed.push_back(&exclude);
    }
    const RunParts parts = Parts();
    if (!checker_.Usable(parts)) return;
    stages_.Begin(parts);
    const auto setting = MakeSetting(parts);
    const std::string key_tail = EvaluationAxes();
    for (const std::int64_t seed : block_.seeds) {
      const bool excluded = std::any_of(
          by_seed.begin(), by_seed.end(), [&](const auto* c) { return Holds(*c, &seed); });
      if (!excluded) AddRun(seed, setting, key_tail);
    }
  }

  RunParts Parts() {
    RunParts parts;
    parts.dataset = &resolver_.Get(Resolver::kDataset, settings_);
    parts.teacher = &resolver_.Get(Resolver::kTeacher, settings_);
    parts.student = &resolver_.Get(Resolver::kStudent, settings_);
    parts.objective = &resolver_.Get(Resolver::kObjective, settings_);
    parts.targets = &resolver_.Get(Resolver::kTargets, settings_);
    parts.pretrain = &resolver_.Get(Resolver::kPretrain, settings_);
    for (std::size_t i = 0; i < experiment_.evaluations.size(); ++i) {
      const config::Evaluation& e = experiment_.evaluations[i];
      parts.evaluations.push_back({&e.name,
                                   &e.protocol,
                                   &resolver_.Get(Resolver::EvaluationSlot(i), settings_),
                                   &resolver_.Get(Resolver::EvaluationDatasetSlot(i), settings_)});
    }
    return parts;
  }

  const Part& PartOf(const Setting& setting) {
    return resolver_.Get(resolver_.SlotOf(setting.path), settings_);
  }

  // The value after resolution (3 for a double is 3.0); nullopt where another plugin is selected.
  std::optional<OptionValue> Effective(const Setting& setting) {
    const Part& part = PartOf(setting);
    if (part.plugin && !setting.path.plugin.empty() &&
        part.plugin->plugin->name != setting.path.plugin) {
      return std::nullopt;
    }
    const OptionValue* value = part.Find(setting.path.option);
    return value != nullptr ? *value : setting.value;
  }

  std::shared_ptr<const RunSetting> MakeSetting(const RunParts& parts) {
    auto setting = std::make_shared<RunSetting>();
    setting->block = block_.name;
    for (const Setting* s : chosen_) {
      if (const auto value = Effective(*s)) {
        setting->axes.emplace_back(s->path.Text(), ShowValue(*value));
      }
    }
    const auto add = [&](const Part& part) {
      if (part.texts) setting->parts.push_back(part.texts);
    };
    for (const Part* part : {parts.dataset,
                             parts.teacher,
                             parts.student,
                             parts.objective,
                             parts.targets,
                             parts.pretrain}) {
      add(*part);
    }
    for (const RunParts::Evaluation& e : parts.evaluations) {
      add(*e.options);
      if (e.dataset != parts.dataset) add(*e.dataset);
    }
    return setting;
  }

  // What the run's key holds beside the encoder: values of evaluations that this grid or block
  // varies.
  std::string EvaluationAxes() {
    nlohmann::json swept = nlohmann::json::object();
    const auto add = [&](const Setting& s) {
      if (s.path.evaluation.empty()) return;
      const Part& part = PartOf(s);
      const OptionSpec* spec = part.plugin ? FindOption(part.plugin->plugin->options, s.path.option)
                                           : FindProtocolOption(s.path);
      if (spec != nullptr && spec->role != OptionRole::kKey) return;
      if (const auto value = Effective(s)) swept[s.path.Text()] = base::ToJson(*value);
    };
    for (const Setting& s : block_.settings) add(s);
    for (const Setting* s : chosen_) add(*s);
    return swept.dump();
  }

  const OptionSpec* FindProtocolOption(const config::OptionPath& path) const {
    for (const config::Evaluation& e : experiment_.evaluations) {
      const auto schema = experiment_.catalog->protocols.find(e.protocol);
      if (e.name == path.evaluation && schema != experiment_.catalog->protocols.end()) {
        return FindOption(schema->second, path.option);
      }
    }
    return nullptr;
  }

  void AddRun(std::int64_t seed,
              const std::shared_ptr<const RunSetting>& setting,
              const std::string& evaluation_axes) {
    PlannedRun run;
    std::string encoder_key;
    run.stages = stages_.Add(seed, encoder_key);
    run.key = base::ContentKey("{\"experiment\":\"" + experiment_.name + "\",\"encoder\":\"" +
                               encoder_key + "\",\"evaluate\":" + evaluation_axes + "}");
    ++count_;
    const int next = static_cast<int>(graph_.runs.size());
    if (!runs_by_key_.emplace(run.key, next).second) return;
    run.seed = seed;
    run.setting = setting;
    graph_.runs.push_back(std::move(run));
  }

  const config::Experiment& experiment_;
  const config::Block& block_;
  PlanGraph& graph_;
  StageBuilder& stages_;
  std::unordered_map<std::string, int>& runs_by_key_;
  RunChecker& checker_;
  Resolver resolver_;
  std::vector<SlotSettings> settings_;  // by slot: what the combination walked so far sets
  std::vector<const Setting*> chosen_;  // the same, in the order of the axes
  std::vector<int> exclude_hits_, when_hits_;
  int count_ = 0;
};

}  // namespace

PlanGraph Expand(const config::Experiment& experiment, base::Diagnostics& diagnostics) {
  PlanGraph graph;
  graph.experiment = experiment.name;
  graph.keeps_alive = experiment.catalog;
  RunChecker checker(experiment, diagnostics);
  std::unordered_map<std::string, int> runs_by_key;
  StageBuilder stages(graph);
  std::vector<std::unique_ptr<BlockExpander>> blocks;  // parts must outlive the builder's memory
  for (const config::Block& block : experiment.blocks) {
    blocks.push_back(
        std::make_unique<BlockExpander>(experiment, block, graph, stages, runs_by_key, checker));
    blocks.back()->Run();
  }
  for (const auto& [where, message] : stages.conflicts()) checker.Error(where, message);
  return graph;
}

}  // namespace cross4d::grid
