// SPDX-License-Identifier: Apache-2.0
#include "core/conformance/suite.h"
#include "core/plugin/load.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/student.h>
#include <cross4d/sdk/tags.h>

#include <torch/utils.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace cross4d::conformance {
namespace {

using StudentPtr = std::shared_ptr<Student>;

constexpr std::int64_t kHeadFrames = 24;  // T for which heads are counted, the paper's

StudentPtr Create(const Suite& suite, const OptionValues& options, std::uint64_t seed) {
  torch::manual_seed(seed);
  return plugin::CreateStudent(suite.record, options, suite.context());
}

bool SameGeometry(const TokenGeometry& a, const TokenGeometry& b) {
  if (!SameBytes(a.centres, b.centres) || !SameBytes(a.frames, b.frames) ||
      !SameBytes(a.nearest, b.nearest) || a.extra.size() != b.extra.size()) {
    return false;
  }
  for (const auto& [name, tensor] : a.extra) {
    const auto it = b.extra.find(name);
    if (it == b.extra.end() || !SameBytes(tensor, it->second)) return false;
  }
  return true;
}

/// The index that the tokenizer names must be of a point that no other of that frame is nearer
/// than.
std::string CheckNearest(const TokenGeometry& g, const torch::Tensor& points) {
  const torch::Tensor frames = points.index_select(0, g.frames);  // [L, N, 3]
  const torch::Tensor distance =
      (frames - g.centres.unsqueeze(1)).square().sum(-1).sqrt();  // [L, N]
  const torch::Tensor named = distance.gather(1, g.nearest.unsqueeze(1)).squeeze(1);
  const double excess = (named - std::get<0>(distance.min(1))).max().item<double>();
  return excess < 1e-5
             ? ""
             : "nearest names a point that is " + std::to_string(excess) + " further away";
}

std::string CheckGeometry(const TokenGeometry& g, const torch::Tensor& points) {
  std::string text = CheckTensor("centres", g.centres, torch::kFloat, {-1, 3});
  if (!text.empty()) return text;
  const std::int64_t tokens = g.centres.size(0);
  if (tokens == 0) return "there are no tokens";
  text = CheckTensor("frames", g.frames, torch::kLong, {tokens});
  if (text.empty()) text = CheckRange("frames", g.frames, 0, points.size(0) - 1);
  if (text.empty()) text = CheckTensor("nearest", g.nearest, torch::kLong, {tokens});
  if (text.empty()) text = CheckRange("nearest", g.nearest, 0, points.size(1) - 1);
  for (const auto& [name, tensor] : g.extra) {
    if (text.empty() &&
        (!tensor.defined() || !tensor.device().is_cpu() || !tensor.is_contiguous())) {
      text = "extra " + name + " is no contiguous CPU tensor";
    }
  }
  return text.empty() ? CheckNearest(g, points) : text;
}

std::string SameNamesAndShapes(const TokenGeometry& a, const TokenGeometry& b) {
  if (a.centres.sizes() != b.centres.sizes())
    return "two clips of one T and N have other numbers of tokens";
  if (a.extra.size() != b.extra.size()) return "two clips have other extra tensors";
  for (const auto& [name, tensor] : a.extra) {
    const auto it = b.extra.find(name);
    if (it == b.extra.end() || it->second.sizes() != tensor.sizes() ||
        it->second.scalar_type() != tensor.scalar_type()) {
      return "extra " + name + " has another shape or type in the other clip";
    }
  }
  return "";
}

std::string SameFromFourThreads(const Student& student, const std::vector<torch::Tensor>& clips) {
  std::vector<TokenGeometry> serial;
  for (const torch::Tensor& clip : clips) serial.push_back(student.Tokenize(clip));
  std::vector<std::string> problems(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < problems.size(); ++t) {
    threads.emplace_back([&, t] {
      try {
        const std::size_t at = t % clips.size();
        if (!SameGeometry(serial[at], student.Tokenize(clips[at])))
          problems[t] = "the tokens differ";
      } catch (const std::exception& e) {
        problems[t] = e.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& problem : problems) {
    if (!problem.empty()) return problem;
  }
  return "";
}

/// An option without the tokenizer mark must not change the tokens: their stage's key does not see
/// it.
std::string CheckMarks(const Suite& suite, const torch::Tensor& points) {
  const OptionSchema& schema = *suite.record.options;
  const OptionValues base = ResolveOptions(schema, suite.settings.options);
  const TokenGeometry tokens = Create(suite, base, 1)->Tokenize(points);
  std::string names;
  for (const OptionSpec& spec : schema.options) {
    if (spec.tokenizer || spec.role == OptionRole::kLocation) continue;
    for (const OptionValues& variant : Variants(schema, base, spec.name)) {
      StudentPtr student;
      try {
        student = Create(suite, variant, 1);
      } catch (const Error&) {
        continue;  // against a rule that the table cannot state
      }
      if (!SameGeometry(tokens, student->Tokenize(points))) {
        names += (names.empty() ? "" : ", ") + spec.name;
        break;
      }
    }
  }
  return names.empty() ? "" : "these change the tokens but are not marked .Tokenizer(): " + names;
}

struct Fixture {
  std::vector<torch::Tensor> clips;
  std::vector<TokenGeometry> geometry;
  StudentInput batch;
};

Fixture MakeFixture(const Suite& suite, const Student& student) {
  Fixture f;
  for (std::int64_t i = 0; i < 3; ++i) {
    f.clips.push_back(MadeUpClip(suite.settings.frames, suite.settings.points, i));
    f.geometry.push_back(student.Tokenize(f.clips.back()));
  }
  f.batch = StackInput(f.clips, f.geometry);
  return f;
}

std::string CheckOutput(Student& student, const StudentInput& input) {
  const StudentOutput out = student.Forward(input);
  const std::int64_t clips = input.centres.size(0), tokens = input.centres.size(1);
  std::string text = CheckTensor(
      "features", out.features.contiguous(), torch::kFloat, {clips, tokens, student.dim()});
  if (text.empty() && !SameBytes(out.centres, input.centres))
    text = "centres are not those of the input";
  if (text.empty() && !SameBytes(out.frames, input.frames))
    text = "frames are not those of the input";
  return text;
}

std::string IndependentOfTheBatch(Student& student, const Fixture& f) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor all = student.Forward(f.batch).features;
  const torch::Tensor one = student.Forward(StackInput({f.clips[1]}, {f.geometry[1]})).features;
  const double difference = RelativeDifference(one, all.narrow(0, 1, 1));
  // Matrix products may sum in another order for another batch.
  return difference < 1e-4 ? "" : "alone and in a batch differ by " + std::to_string(difference);
}

/// `kept` tokens of each clip, others in each, in their order.
torch::Tensor SomeTokens(std::int64_t clips, std::int64_t tokens, std::int64_t kept) {
  torch::manual_seed(3);
  std::vector<torch::Tensor> rows;
  for (std::int64_t i = 0; i < clips; ++i)
    rows.push_back(std::get<0>(torch::randperm(tokens).narrow(0, 0, kept).sort()));
  return torch::stack(rows);
}

std::string HalvesAgree(Student& student, const StudentInput& input) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor tokens = student.Embed(input);
  const std::string text =
      CheckTensor("Embed's result",
                  tokens.contiguous(),
                  torch::kFloat,
                  {input.centres.size(0), input.centres.size(1), student.dim()});
  if (!text.empty()) return text;
  const double difference = RelativeDifference(student.Encode(tokens, input.centres, input.frames),
                                               student.Forward(input).features);
  return difference < 1e-5 ? "" : "they differ by " + std::to_string(difference);
}

std::string EncodesSomeTokens(Student& student, const Fixture& f) {
  const torch::NoGradGuard no_grad;
  const std::int64_t clips = f.batch.centres.size(0), tokens = f.batch.centres.size(1);
  const torch::Tensor rows = SomeTokens(clips, tokens, (tokens + 2) / 3);
  const auto pick = [&rows](const torch::Tensor& from) {
    return from.gather(1, rows.unsqueeze(2).expand({-1, -1, from.size(2)}));
  };
  const torch::Tensor some = pick(student.Embed(f.batch)), centres = pick(f.batch.centres);
  const torch::Tensor frames = f.batch.frames.gather(1, rows);
  const torch::Tensor out = student.Encode(some, centres, frames);
  const std::string text = CheckTensor(
      "Encode's result", out.contiguous(), torch::kFloat, {clips, rows.size(1), student.dim()});
  if (!text.empty()) return text;
  student.Embed(StackInput({f.clips[2]}, {f.geometry[2]}));
  return SameBytes(out, student.Encode(some, centres, frames))
             ? ""
             : "the same tokens give other features after Embed of another clip";
}

void Backward(Student& student, const StudentInput& input) {
  student.train();
  student.zero_grad();
  const torch::Tensor features = student.Forward(input).features;
  torch::manual_seed(7);
  (features * torch::randn(features.sizes())).sum().backward();
}

std::string SameGradients(Student& student, const StudentInput& input) {
  const std::string state = SaveModule(student);
  Backward(student, input);
  std::vector<torch::Tensor> first;
  for (const torch::Tensor& p : student.parameters()) {
    first.push_back(p.grad().defined() ? p.grad().clone() : torch::Tensor());
  }
  LoadModule(student, state);
  Backward(student, input);
  std::size_t i = 0;
  for (const auto& p : student.named_parameters()) {
    if (!SameBytes(first[i++], p.value().grad())) return "the gradient of " + p.key() + " differs";
  }
  return "";
}

std::string SaveAndLoad(const Suite& suite, Student& student, const StudentInput& input) {
  const torch::NoGradGuard no_grad;
  const StudentPtr other = Create(suite, suite.settings.options, 99);
  LoadModule(*other, SaveModule(student));
  student.eval();
  other->eval();
  return SameBytes(student.Forward(input).features, other->Forward(input).features)
             ? ""
             : "the loaded student gives other features; is something not registered?";
}

std::string SeedDecidesWeights(const Suite& suite) {
  const auto weights = [&suite](std::uint64_t seed) {
    return SaveModule(*Create(suite, suite.settings.options, seed));
  };
  const std::string first = weights(5);
  if (weights(5) != first) return "one seed gives two sets of weights";
  return weights(6) == first ? "two seeds give the same weights" : "";
}

void CountPresets(Suite& suite) {
  const auto add = [&suite](const std::string& who, OptionValues options) {
    suite.Run("the parameters of " + who + " can be counted", [&]() -> std::string {
      const StudentPtr student = Create(suite, options, 1);
      suite.report.figures.push_back(who + ": " + std::to_string(CountParameters(*student)) +
                                     " parameters");
      for (const PluginRecord* objective : suite.settings.objectives) {
        const std::shared_ptr<Objective> head =
            plugin::CreateObjective(*objective, {}, suite.context());
        head->Build({.student_dim = student->dim(),
                     .target_dim = suite.settings.target_dim,
                     .frames = kHeadFrames,
                     .views = 2,
                     .make_student = [&] { return Create(suite, options, 2); }},
                    *student);
        const std::int64_t size = CountParameters(*head);
        if (size == 0) continue;
        suite.report.figures.push_back("  + head of " + objective->name +
                                       " at d = " + std::to_string(suite.settings.target_dim) +
                                       ": " + std::to_string(size) + " parameters");
      }
      return "";
    });
  };
  add("the given options", suite.settings.options);
  for (const OptionPreset& preset : suite.record.options->presets) {
    OptionValues options = suite.settings.options;
    options["preset"] = OptionValue(preset.name);
    add("preset " + preset.name, options);
  }
}

}  // namespace

void CheckStudent(Suite& suite) {
  StudentPtr student, again;
  suite.Run("it can be created twice", [&]() -> std::string {
    student = Create(suite, suite.settings.options, 1);
    again = Create(suite, suite.settings.options, 2);
    return suite.plugin.Provides(tags::kTokens) ? "" : "the tag tokens is missing";
  });
  if (again == nullptr) return;
  Fixture f;
  suite.Run("the tokens have the right shapes and types", [&] {
    f = MakeFixture(suite, *student);
    const std::string text = CheckGeometry(f.geometry[0], f.clips[0]);
    return text.empty() ? SameNamesAndShapes(f.geometry[0], f.geometry[1]) : text;
  });
  if (!f.batch.centres.defined()) return;
  suite.Run("the tokens do not depend on the run seed", [&]() -> std::string {
    return SameGeometry(f.geometry[0], again->Tokenize(f.clips[0])) ? "" : "they differ";
  });
  suite.Run("Tokenize gives the same from four threads at once",
            [&] { return SameFromFourThreads(*student, f.clips); });
  suite.Run("options that change the tokens are marked",
            [&] { return CheckMarks(suite, f.clips[0]); });
  suite.Run("the seed decides the weights", [&] { return SeedDecidesWeights(suite); });
  suite.Run("a gradient reaches every parameter", [&] {
    Backward(*again, f.batch);
    return MissingGradients(*again, [&] { return again->Forward(f.batch).features; });
  });
  suite.Run("one step twice gives the same gradients",
            [&] { return SameGradients(*again, f.batch); });
  student->eval();
  suite.Run("features have the right shape and type",
            [&] { return CheckOutput(*student, f.batch); });
  suite.Run("two calls in eval mode give the same bytes", [&]() -> std::string {
    const torch::NoGradGuard no_grad;
    const torch::Tensor first = student->Forward(f.batch).features;
    return SameBytes(first, student->Forward(f.batch).features) ? "" : "the features differ";
  });
  suite.Run("in eval mode a clip's features do not depend on the batch",
            [&] { return IndependentOfTheBatch(*student, f); });
  if (suite.plugin.Provides(tags::kMaskable)) {
    suite.Run("Embed and Encode make Forward", [&] { return HalvesAgree(*student, f.batch); });
    suite.Run("Encode takes some of the tokens", [&] { return EncodesSomeTokens(*student, f); });
  }
  // After a training step, so that buffers (BatchNorm's statistics) differ from their initial
  // values.
  suite.Run("saved and loaded, it gives the same bytes",
            [&] { return SaveAndLoad(suite, *again, f.batch); });
  CountPresets(suite);
}

}  // namespace cross4d::conformance
