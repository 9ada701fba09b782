// SPDX-License-Identifier: Apache-2.0
#include "core/eval/linear_probe.h"

#include "core/base/file.h"
#include "core/base/seed.h"
#include "core/eval/embeddings.h"
#include "core/eval/lbfgs.h"
#include "core/tensorio/torch_view.h"
#include "core/train/adamw.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <map>
#include <numeric>

namespace cross4d::eval {
namespace {

constexpr double kLbfgsTolerance = 1e-6;

std::span<float> Floats(torch::Tensor& t) {
  return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())};
}

// d(mean cross-entropy) / d(logits) in place of the logits: (softmax - one hot) / n.
torch::Tensor LogitGradient(const torch::Tensor& logits, const torch::Tensor& labels) {
  torch::Tensor g = torch::softmax(logits, 1);
  g.scatter_add_(1, labels.unsqueeze(1), torch::full({labels.size(0), 1}, -1.0, g.options()));
  return g.div_(static_cast<double>(labels.size(0)));
}

LinearModel TrainAdamW(const torch::Tensor& features,
                       const torch::Tensor& labels,
                       std::int64_t classes,
                       const protocol::LinearProbeOptions& options,
                       std::uint64_t seed) {
  const std::int64_t n = features.size(0), channels = features.size(1);
  // Weights and bias in one buffer: one optimiser pass.
  torch::Tensor values = torch::zeros({classes * (channels + 1)}),
                gradients = torch::zeros_like(values);
  torch::Tensor first = torch::zeros_like(values), second = torch::zeros_like(values);
  const auto weight = [&](torch::Tensor& t) {
    return t.slice(0, 0, classes * channels).view({classes, channels});
  };
  LinearModel model{weight(values), values.slice(0, classes * channels)};
  torch::Tensor weight_gradient = weight(gradients);
  torch::Tensor bias_gradient = gradients.slice(0, classes * channels);
  train::AdamWStep step{.lr = options.lr, .weight_decay = options.weight_decay};
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  for (std::int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    std::iota(order.begin(), order.end(), 0);
    base::SplitMix64 random(base::DeriveSeed(seed, "probe", static_cast<std::uint64_t>(epoch)));
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
    for (std::int64_t begin = 0; begin < n; begin += options.batch) {
      const torch::Tensor rows = torch::from_blob(
          order.data() + begin, {std::min(options.batch, n - begin)}, torch::kInt64);
      const torch::Tensor x = features.index_select(0, rows);
      const torch::Tensor g = LogitGradient(model.Logits(x), labels.index_select(0, rows));
      torch::mm_out(weight_gradient, g.t(), x);
      torch::sum_out(bias_gradient, g, 0);
      train::AdamWUpdate(step, Floats(values), Floats(gradients), Floats(first), Floats(second));
      ++step.count;
    }
  }
  return model;
}

LinearModel TrainLbfgs(const torch::Tensor& features,
                       const torch::Tensor& labels,
                       std::int64_t classes,
                       const protocol::LinearProbeOptions& options) {
  const torch::Tensor x = features.to(torch::kFloat64);
  const std::int64_t weights = classes * x.size(1);
  const auto value = [&](const torch::Tensor& v, torch::Tensor* gradient) {
    const torch::Tensor w = v.slice(0, 0, weights).view({classes, x.size(1)});
    const torch::Tensor logits = torch::addmm(v.slice(0, weights), x, w.t());
    const torch::Tensor g = LogitGradient(logits, labels);
    *gradient = torch::cat({(g.t().mm(x) + options.weight_decay * w).reshape({-1}), g.sum(0)});
    const double loss = at::cross_entropy_loss(logits, labels).item<double>();
    return loss + 0.5 * options.weight_decay * w.square().sum().item<double>();
  };
  torch::Tensor v = torch::zeros({weights + classes}, torch::kFloat64);
  MinimizeLbfgs(value, &v, static_cast<int>(options.epochs), kLbfgsTolerance);
  v = v.to(torch::kFloat32);
  return {v.slice(0, 0, weights).view({classes, x.size(1)}), v.slice(0, weights)};
}

struct LabelledRows {
  std::vector<std::int64_t> rows;
  torch::Tensor features, labels;
};

LabelledRows Labelled(const torch::Tensor& embeddings, const data::ClipTable& table, bool train) {
  LabelledRows out;
  std::vector<std::int64_t> labels;
  for (std::int64_t row : table.Rows(train)) {
    const std::int64_t label = table.clips[static_cast<std::size_t>(row)].label;
    if (label < 0) continue;
    out.rows.push_back(row);
    labels.push_back(label);
  }
  if (out.rows.empty()) {
    FailInput(std::string("linear probe: the ") + (train ? "training" : "test") +
              " split has no labelled clips");
  }
  out.labels = torch::tensor(labels, torch::kInt64);
  out.features = embeddings.index_select(0, torch::tensor(out.rows, torch::kInt64));
  return out;
}

double Accuracy(const torch::Tensor& logits, const torch::Tensor& labels) {
  return logits.argmax(1).eq(labels).to(torch::kFloat64).mean().item<double>();
}

std::vector<VideoScore> ScoreVideos(const torch::Tensor& logits,
                                    const LabelledRows& test,
                                    const data::ClipTable& table) {
  const torch::Tensor probability = torch::softmax(logits.to(torch::kFloat64), 1);
  std::vector<VideoScore> videos;
  std::map<std::string, std::size_t> index;
  std::vector<torch::Tensor> sums;
  for (std::size_t i = 0; i < test.rows.size(); ++i) {
    const data::ClipRow& clip = table.clips[static_cast<std::size_t>(test.rows[i])];
    const auto [it, fresh] = index.emplace(clip.video, videos.size());
    if (fresh) {
      videos.push_back({clip.video, clip.label, 0});
      sums.push_back(torch::zeros_like(probability[0]));
    }
    sums[it->second] += probability[static_cast<std::int64_t>(i)];
  }
  const torch::Tensor predicted = torch::stack(sums).argmax(1);
  for (std::size_t v = 0; v < videos.size(); ++v) {
    videos[v].predicted = predicted[static_cast<std::int64_t>(v)].item<std::int64_t>();
  }
  return videos;
}

}  // namespace

torch::Tensor LinearModel::Logits(const torch::Tensor& features) const {
  return torch::addmm(bias, features, weight.t());
}

LinearModel TrainLinear(const torch::Tensor& features,
                        const torch::Tensor& labels,
                        std::int64_t classes,
                        const protocol::LinearProbeOptions& options,
                        std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  if (options.solver == "lbfgs") return TrainLbfgs(features, labels, classes, options);
  return TrainAdamW(features, labels, classes, options, seed);
}

void Standardize(const torch::Tensor& train, std::vector<torch::Tensor*> tables) {
  const torch::Tensor x = train.to(torch::kFloat64);
  const torch::Tensor mean = x.mean(0), deviation = x.std(0, /*unbiased=*/false);
  const torch::Tensor scale =
      torch::where(deviation > 1e-12, 1 / deviation, torch::zeros_like(deviation));
  for (torch::Tensor* table : tables) {
    *table = ((table->to(torch::kFloat64) - mean) * scale).to(torch::kFloat32);
  }
}

ProbeScore ProbeClips(const torch::Tensor& embeddings,
                      const data::ClipTable& table,
                      const protocol::LinearProbeOptions& options,
                      std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  LabelledRows train = Labelled(embeddings, table, true);
  LabelledRows test = Labelled(embeddings, table, false);
  if (options.standardize) {
    const torch::Tensor reference = train.features;
    Standardize(reference, {&train.features, &test.features});
  }
  const LinearModel model =
      TrainLinear(train.features, train.labels, table.class_count(), options, seed);
  const torch::Tensor logits = model.Logits(test.features);
  ProbeScore score;
  score.accuracy_train = Accuracy(model.Logits(train.features), train.labels);
  score.accuracy_clip = Accuracy(logits, test.labels);
  score.loss = at::cross_entropy_loss(logits, test.labels).item<double>();
  score.videos = ScoreVideos(logits, test, table);
  std::int64_t hits = 0;
  for (const VideoScore& video : score.videos) hits += video.predicted == video.label;
  score.accuracy = static_cast<double>(hits) / static_cast<double>(score.videos.size());
  return score;
}

void RunLinearProbe(const std::filesystem::path& embeddings,
                    const protocol::LinearProbeOptions& options,
                    std::uint64_t seed,
                    const std::filesystem::path& out,
                    protocol::Reporter& reporter) {
  const data::ClipTable table = data::ReadClipTable(embeddings);
  const auto file = tensorio::SafetensorsFile::Open(embeddings / kEmbeddingsFile);
  reporter.Report({.phase = "probe"});
  const ProbeScore score = ProbeClips(tensorio::View(file, "embeddings"), table, options, seed);
  nlohmann::json metrics = nlohmann::json::object(), videos = nlohmann::json::array();
  const auto metric = [&](const char* name, double value) {
    reporter.Metric(name, -1, value);
    metrics[name] = value;
  };
  metric("accuracy", score.accuracy);
  metric("accuracy_clip", score.accuracy_clip);
  metric("accuracy_train", score.accuracy_train);
  metric("loss", score.loss);
  for (const VideoScore& v : score.videos) {
    videos.push_back({{"video", v.video}, {"label", v.label}, {"predicted", v.predicted}});
  }
  const nlohmann::json result = {
      {"classes", table.classes}, {"metrics", metrics}, {"videos", videos}};
  base::WriteFileAtomically(out / "result.json", result.dump(1) + "\n", false);
}

}  // namespace cross4d::eval
