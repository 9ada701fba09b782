// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/grid/plan_graph.h"
#include "core/grid/resolve.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cross4d::grid {

/// The parts of one combination; evaluations in the order of the experiment.
struct RunParts {
  const Part* dataset = nullptr;
  const Part* teacher = nullptr;
  const Part* student = nullptr;
  const Part* objective = nullptr;
  const Part* targets = nullptr;
  const Part* pretrain = nullptr;
  struct Evaluation {
    const std::string* name = nullptr;
    const std::string* protocol = nullptr;
    const Part* options = nullptr;
    const Part* dataset = nullptr;  ///< the run's own, or another (transfer)
  };
  std::vector<Evaluation> evaluations;
};

/// The objective learns from targets: features and targets stages are needed, and so is a teacher.
bool NeedsTargets(const Part& objective);
bool IsUntrained(const Part& objective);

/// Adds the stages of combinations to a graph, each distinct one once. What does not depend on the
/// seed is made once per combination.
class StageBuilder {
 public:
  explicit StageBuilder(PlanGraph& graph) : graph_(graph) {}

  /// For `runs` more runs.
  void Reserve(std::size_t runs, std::size_t evaluations);

  /// Before the seeds of a combination.
  void Begin(const RunParts& parts);
  /// The stages of the combination with this seed; `encoder_key` is what the run's key is made
  /// from.
  std::vector<RunStage> Add(std::int64_t seed, std::string& encoder_key);

  /// Two locations for what the key says is one and the same.
  struct Conflict {
    base::SourceLocation where;
    std::string message;
  };
  const std::vector<Conflict>& conflicts() const { return conflicts_; }

 private:
  struct Recipe {  // a stage but for seed and inputs
    const char* kind = nullptr;
    bool seeded = false;
    std::string key_head;
    std::shared_ptr<const StageContent> content;
  };
  using Inputs = std::vector<std::pair<const char*, int>>;

  void CheckLocation(int stage, const std::string& role, const Part& part);
  int Put(const Recipe& recipe, const Inputs& inputs, std::int64_t seed);
  int Tokens(const Part& dataset, const Part& student);
  int Features(const RunParts& parts);
  int Targets(const RunParts& parts, int tokens, int features);
  Recipe EncoderRecipe(const RunParts& parts) const;
  const Recipe& EvaluationRecipe(const RunParts::Evaluation& evaluation, const Part& student);
  int Embeddings(int encoder, int tokens, std::int64_t seed, std::vector<RunStage>& stages);

  PlanGraph& graph_;
  /// Views of StageNode::key: 32 characters lie on the heap, so they stay where they are when the
  /// vector of stages grows.
  std::unordered_map<std::string_view, int> by_key_;
  std::map<std::tuple<const Part*, const Part*, const Part*>, int> seedless_;
  std::map<std::tuple<const Part*, std::string, const Part*>, Recipe> evaluations_;
  std::string buffer_;
  std::vector<Conflict> conflicts_;
  // The combination begun.
  const RunParts* parts_ = nullptr;
  std::vector<int> common_;  // tokens, features, targets, tokens of other data sets
  Inputs encoder_inputs_;
  Recipe encoder_, embeddings_;
  std::vector<int> evaluation_tokens_;
  std::vector<const Recipe*> evaluation_recipes_;
};

}  // namespace cross4d::grid
