// SPDX-License-Identifier: Apache-2.0
#include "core/run/execute.h"

#include "core/base/file.h"
#include "core/base/option_json.h"
#include "core/base/seed.h"
#include "core/data/in_context.h"
#include "core/data/sources.h"
#include "core/eval/efficiency.h"
#include "core/eval/embeddings.h"
#include "core/eval/linear_probe.h"
#include "core/protocol/core_options.h"
#include "core/run/stage_plugins.h"
#include "core/store/store.h"
#include "core/targets/stages.h"
#include "core/train/checkpoint.h"
#include "core/train/pretrain.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/tags.h>

#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>
#include <torch/utils.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>

namespace cross4d::run {
namespace {

using nlohmann::json;
using protocol::StageSpec;
namespace fs = std::filesystem;

constexpr const char* kModelFile = "model.safetensors";

/// What a stage function works with.
struct Stage {
  const StageSpec& spec;
  protocol::Reporter& reporter;
  StagePlugins plugins;
  fs::path out;
  json data = json::object();  ///< for the artifact event

  fs::path Input(const std::string& kind) const {
    const auto it = spec.inputs.find(kind);
    if (it == spec.inputs.end()) {
      throw Error(ErrorCode::kInternal,
                  "stage spec: " + spec.kind + " stage without input " + kind);
    }
    return it->second;
  }
  bool HasInput(const std::string& kind) const { return spec.inputs.contains(kind); }
  OptionValues Options(const std::string& section) const {
    const auto it = spec.options.find(section);
    return it == spec.options.end() ? OptionValues{} : it->second;
  }
  std::uint64_t seed() const { return static_cast<std::uint64_t>(spec.seed); }
};

// Several threads inside an operation: results then depend on their number, but must not vary from
// run to run.
void UseThreads(int threads) {
  at::set_num_threads(threads);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  at::globalContext().setDeterministicFillUninitializedMemory(false);
}

// Reductions inside tensor operations would depend on the thread count: these stages are parallel
// over clips and frames only.
void Tokens(Stage& s) {
  at::set_num_threads(1);
  const auto dataset = s.plugins.MakeDataset();
  s.data["fingerprint"] = CheckedFingerprint(dataset->Fingerprint(), s.plugins.Spec("dataset"));
  const auto student = s.plugins.MakeStudent(1);
  targets::RunTokens(*dataset, *student, s.out, s.spec.threads, s.reporter);
}

// What may continue a checkpoint of this stage: the very plugins, on the very data.
std::string IdentityOf(const Stage& s) {
  json identity = {{"key", s.spec.key}, {"fingerprints", s.data}};
  for (const auto& [role, p] : s.spec.plugins) {
    identity["plugins"][role] = {p.name, p.version, p.build_id, p.sha256};
  }
  return identity.dump();
}

void Features(Stage& s) {
  at::set_num_threads(1);
  const auto dataset = s.plugins.MakeDataset();
  s.data["fingerprint"] = CheckedFingerprint(dataset->Fingerprint(), s.plugins.Spec("dataset"));
  const auto teacher = s.plugins.MakeTeacher();
  s.data["teacher_fingerprint"] =
      CheckedFingerprint(teacher->Fingerprint(), s.plugins.Spec("teacher"));
  const auto options = protocol::TargetsTable().Read(s.Options("targets"));
  targets::RunFeatures(*dataset,
                       *teacher,
                       options,
                       s.out,
                       {s.spec.Checkpoint(), IdentityOf(s)},
                       s.spec.threads,
                       s.reporter);
}

void Targets(Stage& s) {
  at::set_num_threads(1);
  const auto options = protocol::TargetsTable().Read(s.Options("targets"));
  targets::RunTargets(s.Input(protocol::kTokens),
                      s.Input(protocol::kFeatures),
                      options,
                      s.out,
                      s.spec.threads,
                      s.reporter);
}

void WriteEncoder(const Stage& s, const Student& student) {
  train::SaveTensors(s.out / kModelFile, train::StateOf(student), {}, /*sync=*/false);
  const auto plugin = [&](const char* role) {
    const protocol::SpecPlugin& p = s.plugins.Spec(role);
    return json{{"name", p.name}, {"version", p.version}, {"options", base::ToJson(p.options)}};
  };
  const json config = {{"student", plugin("student")},
                       {"objective", plugin("objective")},
                       {"dim", student.dim()},
                       {"seed", s.spec.seed}};
  base::WriteFileAtomically(s.out / "config.json", config.dump(1) + "\n", false);
}

void Untrained(Stage& s, Student& student, const Objective& objective) {
  const auto start = std::chrono::steady_clock::now();
  const std::int64_t clips = objective.calibration_clips();
  student.eval();
  if (clips > 0) {
    const data::TokenSource tokens(s.Input(protocol::kTokens));
    train::Calibrate(student, tokens, clips, s.seed(), s.reporter);
  }
  s.reporter.Metric("params", -1, static_cast<double>(train::CountParameters(student)));
  s.reporter.Metric(
      "seconds",
      -1,
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

void Train(Stage& s, Student& student, Objective& objective) {
  const base::PluginDescription& description = s.plugins.Describe("objective");
  const data::TokenSource tokens(s.Input(protocol::kTokens));
  std::unique_ptr<data::TargetSource> targets;
  if (s.HasInput(protocol::kTargets)) {
    targets = std::make_unique<data::TargetSource>(s.Input(protocol::kTargets), tokens);
  }
  data::InContext("objective " + description.name, [&] {
    objective.Build({.student_dim = student.dim(),
                     .target_dim = targets ? targets->dim() : 0,
                     .frames = tokens.table().frames,
                     .views = targets ? targets->views() : 0,
                     .make_student = [&s] { return s.plugins.MakeStudent(s.spec.threads); }},
                    student);
  });
  train::PretrainJob job{.student = student,
                         .objective = objective,
                         .tokens = tokens,
                         .targets = targets.get(),
                         .token_targets = description.Requires(tags::kTokenTargets),
                         .clip_targets = description.Requires(tags::kClipTargets),
                         .frame_targets = description.Requires(tags::kFrameTargets),
                         .options = protocol::PretrainTable().Read(s.Options("pretrain")),
                         .seed = s.seed(),
                         .checkpoint = s.spec.Checkpoint()};
  if ((job.token_targets || job.clip_targets || job.frame_targets) && !targets) {
    s.Input(protocol::kTargets);
  }
  train::Pretrain(job, s.reporter);
}

void Encoder(Stage& s) {
  UseThreads(s.spec.threads);
  // The student first and from a seed of its own: all objectives start from the same weights.
  torch::manual_seed(base::DeriveSeed(s.seed(), "student"));
  const auto student = s.plugins.MakeStudent(s.spec.threads);
  torch::manual_seed(base::DeriveSeed(s.seed(), "objective"));
  const auto objective = s.plugins.MakeObjective();
  if (s.plugins.Describe("objective").Provides(tags::kUntrained)) {
    Untrained(s, *student, *objective);
  } else {
    Train(s, *student, *objective);
  }
  WriteEncoder(s, *student);
}

/// The student with the encoder's weights.
std::shared_ptr<Student> TrainedStudent(Stage& s) {
  torch::manual_seed(0);  // overwritten by the weights below
  const std::shared_ptr<Student> student = s.plugins.MakeStudent(s.spec.threads);
  train::LoadTensors(s.Input(protocol::kEncoder) / kModelFile, train::StateOf(*student));
  return student;
}

void Embeddings(Stage& s) {
  UseThreads(s.spec.threads);
  const auto student = TrainedStudent(s);
  eval::RunEmbeddings(*student, s.Input(protocol::kTokens), s.out, s.reporter);
}

void Efficiency(Stage& s) {
  const auto student = TrainedStudent(s);
  eval::RunEfficiency(*student,
                      s.plugins.Describe("student").Provides(tags::kMaskable),
                      s.Input(protocol::kTokens),
                      protocol::EfficiencyTable().Read(s.Options("evaluate")),
                      s.out,
                      s.reporter);
}

void Evaluation(Stage& s) {
  UseThreads(s.spec.threads);
  if (s.spec.protocol == protocol::kEfficiency) return Efficiency(s);
  if (s.spec.protocol != "linear-probe") {
    FailInput("evaluation protocol '" + s.spec.protocol + "' is not known to this worker");
  }
  const auto options = protocol::LinearProbeTable().Read(s.Options("evaluate"));
  eval::RunLinearProbe(s.Input(protocol::kEmbeddings), options, s.seed(), s.out, s.reporter);
}

using StageFunction = void (*)(Stage&);
const std::map<std::string, StageFunction>& StageFunctions() {
  static const std::map<std::string, StageFunction> functions = {
      {protocol::kTokens, Tokens},
      {protocol::kFeatures, Features},
      {protocol::kTargets, Targets},
      {protocol::kEncoder, Encoder},
      {protocol::kEmbeddings, Embeddings},
      {protocol::kEvaluation, Evaluation}};
  return functions;
}

void CheckSpec(const StageSpec& spec) {
  if (!StageFunctions().contains(spec.kind)) {
    throw Error(ErrorCode::kInternal, "stage spec: no stage of kind '" + spec.kind + "'");
  }
  if (spec.device != "cpu") {
    throw Error(
        ErrorCode::kEnvironment,
        "device " + spec.device + ": this version computes stages on the CPU; use --device cpu");
  }
  if (spec.threads < 1) throw Error(ErrorCode::kInternal, "stage spec: threads must be at least 1");
}

}  // namespace

StageResult ExecuteStage(const StageSpec& spec, protocol::Reporter& reporter) {
  return data::InContext("stage " + spec.kind, [&] {
    CheckSpec(spec);
    Stage stage{spec, reporter, StagePlugins(spec, reporter), spec.Work()};
    base::MakeFolders(stage.out);
    try {
      StageFunctions().at(spec.kind)(stage);
      const store::PublishResult published = store::Publish(stage.out, spec.Artifact());
      stage.data["bytes"] = published.manifest.bytes;
      std::error_code ignored;
      fs::remove_all(spec.Checkpoint(), ignored);
      return StageResult{published.manifest.hash, stage.data.dump()};
    } catch (...) {
      std::error_code ignored;
      fs::remove_all(stage.out, ignored);
      throw;
    }
  });
}

protocol::Cause CauseOf(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return protocol::Cause::kOutOfMemory;
  const auto* own = dynamic_cast<const Error*>(&error);
  if (own == nullptr) return protocol::Cause::kError;
  if (own->code() == ErrorCode::kCancelled) return protocol::Cause::kCancelled;
  // The layers below put ENOSPC into these words.
  if (own->message().find("disk full") != std::string::npos) return protocol::Cause::kDiskFull;
  return protocol::Cause::kError;
}

}  // namespace cross4d::run
