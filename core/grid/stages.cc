// SPDX-License-Identifier: Apache-2.0
#include "core/grid/stages.h"

#include "core/base/hash.h"
#include "core/protocol/efficiency_options.h"
#include "core/protocol/stage_spec.h"

#include <cross4d/sdk/note.h>
#include <cross4d/sdk/tags.h>

#include <algorithm>

namespace cross4d::grid {
namespace {

// The start of a stage's canonical text, which its key hashes; Put adds inputs and seed. A golden
// test holds it: a change here makes everybody's artifacts new.
std::string KeyHead(const char* kind,
                    const std::string& protocol,
                    const std::vector<std::pair<const char*, const std::string*>>& plugins,
                    const std::vector<std::pair<const char*, const std::string*>>& options) {
  const auto object = [](const auto& members) {
    std::string text = "{";
    for (const auto& [name, value] : members) {
      text += (text.size() > 1 ? ",\"" : "\"") + std::string(name) + "\":" + *value;
    }
    return text + "}";
  };
  std::string head = "{\"kind\":\"" + std::string(kind) +
                     "\",\"version\":" + std::to_string(protocol::StageVersion(kind)) +
                     ",\"sdk\":" + std::to_string(CROSS4D_SDK_MAJOR);
  if (!protocol.empty()) head += ",\"protocol\":\"" + protocol + "\"";
  head += ",\"plugins\":" + object(plugins) + ",\"options\":" + object(options);
  return head;
}

/// Evaluations of the encoder itself; the others read its embeddings.
bool ReadsEncoder(const std::string& name) { return name == protocol::kEfficiency; }

}  // namespace

bool NeedsTargets(const Part& objective) {
  const base::PluginDescription& plugin = *objective.plugin->plugin;
  return !plugin.Provides(tags::kUntrained) &&
         (plugin.Requires(tags::kTokenTargets) || plugin.Requires(tags::kClipTargets) ||
          plugin.Requires(tags::kFrameTargets));
}

bool IsUntrained(const Part& objective) {
  return objective.plugin->plugin->Provides(tags::kUntrained);
}

int StageBuilder::Put(const Recipe& recipe, const Inputs& inputs, std::int64_t seed) {
  buffer_ = recipe.key_head;
  buffer_ += ",\"inputs\":{";
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    buffer_ += i == 0 ? "\"" : ",\"";
    buffer_ += inputs[i].first;
    buffer_ += "\":\"";
    buffer_ += graph_.stages[static_cast<std::size_t>(inputs[i].second)].key;
    buffer_ += '"';
  }
  buffer_ += '}';
  if (recipe.seeded) buffer_ += ",\"seed\":" + std::to_string(seed);
  buffer_ += '}';
  std::string key = base::ContentKey(buffer_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) return found->second;
  const int index = static_cast<int>(graph_.stages.size());
  graph_.stages.push_back(
      {std::move(key), recipe.kind, recipe.seeded ? seed : 0, recipe.content, inputs});
  by_key_.emplace(graph_.stages.back().key, index);
  return index;
}

void StageBuilder::CheckLocation(int stage, const std::string& role, const Part& part) {
  const ResolvedPluginPtr& first =
      graph_.stages[static_cast<std::size_t>(stage)].plugins().at(role);
  if (first == part.plugin) return;
  std::string message = LocationConflict(role, *first, *part.plugin);
  if (!message.empty()) conflicts_.push_back({part.where, std::move(message)});
}

void StageBuilder::Reserve(std::size_t runs, std::size_t evaluations) {
  const std::size_t stages = graph_.stages.size() + runs * (evaluations + 2);
  graph_.stages.reserve(stages);
  by_key_.reserve(stages);
}

int StageBuilder::Tokens(const Part& dataset, const Part& student) {
  const auto [memo, is_new] = seedless_.emplace(std::tuple{&dataset, &student, nullptr}, 0);
  if (!is_new) return memo->second;
  Recipe recipe{protocol::kTokens};
  recipe.key_head = KeyHead(protocol::kTokens,
                            "",
                            {{"dataset", &dataset.key_text}, {"student", &student.narrow_key_text}},
                            {});
  auto content = std::make_shared<StageContent>();
  content->plugins = {{"dataset", dataset.plugin}, {"student", student.plugin}};
  recipe.content = std::move(content);
  memo->second = Put(recipe, {}, 0);
  CheckLocation(memo->second, "dataset", dataset);
  return memo->second;
}

int StageBuilder::Features(const RunParts& parts) {
  const auto [memo, is_new] =
      seedless_.emplace(std::tuple{parts.dataset, parts.teacher, parts.targets}, 0);
  if (!is_new) return memo->second;
  Recipe recipe{protocol::kFeatures};
  recipe.key_head =
      KeyHead(protocol::kFeatures,
              "",
              {{"dataset", &parts.dataset->key_text}, {"teacher", &parts.teacher->key_text}},
              {{"targets", &parts.targets->narrow_key_text}});
  auto content = std::make_shared<StageContent>();
  content->plugins = {{"dataset", parts.dataset->plugin}, {"teacher", parts.teacher->plugin}};
  content->options = {{"targets", parts.targets->narrow_options}};
  recipe.content = std::move(content);
  memo->second = Put(recipe, {}, 0);
  CheckLocation(memo->second, "dataset", *parts.dataset);
  CheckLocation(memo->second, "teacher", *parts.teacher);
  return memo->second;
}

int StageBuilder::Targets(const RunParts& parts, int tokens, int features) {
  Recipe recipe{protocol::kTargets};
  recipe.key_head = KeyHead(protocol::kTargets, "", {}, {{"targets", &parts.targets->key_text}});
  auto content = std::make_shared<StageContent>();
  content->options = {{"targets", parts.targets->options}};
  recipe.content = std::move(content);
  return Put(recipe, {{protocol::kFeatures, features}, {protocol::kTokens, tokens}}, 0);
}

StageBuilder::Recipe StageBuilder::EncoderRecipe(const RunParts& parts) const {
  Recipe recipe{protocol::kEncoder, true};
  auto content = std::make_shared<StageContent>();
  content->plugins = {{"objective", parts.objective->plugin}, {"student", parts.student->plugin}};
  std::vector<std::pair<const char*, const std::string*>> options;
  if (!IsUntrained(*parts.objective)) {
    content->options = {{"pretrain", parts.pretrain->options}};
    options = {{"pretrain", &parts.pretrain->key_text}};
  }
  recipe.key_head =
      KeyHead(protocol::kEncoder,
              "",
              {{"objective", &parts.objective->key_text}, {"student", &parts.student->key_text}},
              options);
  recipe.content = std::move(content);
  return recipe;
}

const StageBuilder::Recipe& StageBuilder::EvaluationRecipe(const RunParts::Evaluation& evaluation,
                                                           const Part& student) {
  const bool with_student = ReadsEncoder(*evaluation.protocol);
  const auto [memo, is_new] = evaluations_.emplace(
      std::tuple{evaluation.options, *evaluation.protocol, with_student ? &student : nullptr},
      Recipe{protocol::kEvaluation, true});
  if (is_new) {
    auto content = std::make_shared<StageContent>();
    content->protocol = *evaluation.protocol;
    if (with_student) content->plugins = {{"student", student.plugin}};
    content->options = {{"evaluate", evaluation.options->options}};
    memo->second.content = std::move(content);
    memo->second.key_head = KeyHead(protocol::kEvaluation,
                                    *evaluation.protocol,
                                    {},
                                    {{"evaluate", &evaluation.options->key_text}});
  }
  return memo->second;
}

void StageBuilder::Begin(const RunParts& parts) {
  parts_ = &parts;
  common_.clear();
  evaluation_tokens_.clear();
  evaluation_recipes_.clear();
  const auto add = [this](int stage) {
    if (std::find(common_.begin(), common_.end(), stage) == common_.end()) common_.push_back(stage);
    return stage;
  };
  const int tokens = add(Tokens(*parts.dataset, *parts.student));
  encoder_inputs_ = {{protocol::kTokens, tokens}};
  if (NeedsTargets(*parts.objective)) {
    const int features = add(Features(parts));
    const int targets = add(Targets(parts, tokens, features));
    encoder_inputs_ = {{protocol::kTargets, targets}, {protocol::kTokens, tokens}};
  }
  encoder_ = EncoderRecipe(parts);
  embeddings_ = Recipe{protocol::kEmbeddings};
  auto content = std::make_shared<StageContent>();
  content->plugins = {{"student", parts.student->plugin}};
  embeddings_.content = std::move(content);
  embeddings_.key_head =
      KeyHead(protocol::kEmbeddings, "", {{"student", &parts.student->key_text}}, {});
  for (const RunParts::Evaluation& evaluation : parts.evaluations) {
    evaluation_tokens_.push_back(add(Tokens(*evaluation.dataset, *parts.student)));
    evaluation_recipes_.push_back(&EvaluationRecipe(evaluation, *parts.student));
  }
}

std::vector<RunStage> StageBuilder::Add(std::int64_t seed, std::string& encoder_key) {
  std::vector<RunStage> stages;
  stages.reserve(common_.size() + 2 + 2 * evaluation_recipes_.size());
  for (const int stage : common_) stages.push_back({stage, {}});
  const int encoder = Put(encoder_, encoder_inputs_, seed);
  encoder_key = graph_.stages[static_cast<std::size_t>(encoder)].key;
  stages.push_back({encoder, {}});
  int last_tokens = -1, embeddings = -1;
  for (std::size_t i = 0; i < evaluation_recipes_.size(); ++i) {
    const int tokens = evaluation_tokens_[i];
    Inputs inputs = {{protocol::kEncoder, encoder}, {protocol::kTokens, tokens}};
    if (!ReadsEncoder(*parts_->evaluations[i].protocol)) {
      if (tokens != last_tokens) embeddings = Embeddings(encoder, tokens, seed, stages);
      last_tokens = tokens;
      inputs = {{protocol::kEmbeddings, embeddings}};
    }
    stages.push_back({Put(*evaluation_recipes_[i], inputs, seed), *parts_->evaluations[i].name});
  }
  return stages;
}

int StageBuilder::Embeddings(int encoder,
                             int tokens,
                             std::int64_t seed,
                             std::vector<RunStage>& stages) {
  const int embeddings =
      Put(embeddings_, {{protocol::kEncoder, encoder}, {protocol::kTokens, tokens}}, seed);
  const bool listed = std::any_of(stages.begin(), stages.end(), [embeddings](const RunStage& s) {
    return s.stage == embeddings;
  });
  if (!listed) stages.push_back({embeddings, {}});
  return embeddings;
}

}  // namespace cross4d::grid
