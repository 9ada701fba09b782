// SPDX-License-Identifier: Apache-2.0
#include "grouped_mlp.h"

#include <ATen/ATen.h>
#include <torch/autograd.h>

#include <algorithm>
#include <utility>

#include "grouped_network.h"

namespace cross4d::point4d {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Mean and sum of squared deviations, merged chunk by chunk (Chan et al.) in double.
class Moments {
 public:
  explicit Moments(std::int64_t channels) : mean_(channels), squares_(channels) {}

  void AddChunk(const float* z, std::int64_t rows, std::int64_t channels) {
    std::vector<float> mean(channels), squares(channels);
    AddSums(z, rows, channels, mean.data());
    for (float& m : mean) m /= static_cast<float>(rows);
    AddSquares(z, rows, channels, mean.data(), squares.data());
    Merge(mean, squares, rows);
  }

  void Merge(const std::vector<float>& mean, const std::vector<float>& squares, std::int64_t rows) {
    const double n = static_cast<double>(rows), total = count_ + n;
    for (std::size_t c = 0; c < mean_.size(); ++c) {
      const double delta = mean[c] - mean_[c];
      mean_[c] += delta * n / total;
      squares_[c] += squares[c] + delta * delta * count_ * n / total;
    }
    count_ = total;
  }

  BatchMoments Get() const {
    BatchMoments out{at::empty({static_cast<std::int64_t>(mean_.size())}, at::kFloat), {}};
    out.variance = at::empty_like(out.mean);
    for (std::size_t c = 0; c < mean_.size(); ++c) {
      out.mean.data_ptr<float>()[c] = static_cast<float>(mean_[c]);
      out.variance.data_ptr<float>()[c] = static_cast<float>(squares_[c] / count_);
    }
    return out;
  }

 private:
  std::vector<double> mean_, squares_;
  double count_ = 0;
};

void SetNorm(Layer& layer, const Tensor& mean, const Tensor& variance, double eps) {
  layer.norm.mean = mean.contiguous();
  layer.norm.inverse = (variance + eps).rsqrt();
  layer.norm.scale = (layer.gamma * layer.norm.inverse).contiguous();
  layer.norm.shift = (layer.beta - mean * layer.norm.scale).contiguous();
}

BatchMoments FirstMoments(const Network& net) {
  const GroupedPoints z = net.Grouped();
  Moments moments(z.channels);
  net.ForChunks(net.ChunkGroups(1), [&](std::int64_t first, std::int64_t last) {
    const std::int64_t rows = (last - first) * z.k;
    std::vector<float> mean(z.channels), squares(z.channels);
    AddGroupSums(z, first, last, mean.data());
    for (float& m : mean) m /= static_cast<float>(rows);
    AddGroupSquares(z, first, last, mean.data(), squares.data());
    moments.Merge(mean, squares, rows);
  });
  return moments.Get();
}

/// Runs layer l >= 1 chunk by chunk.
class LayerRunner {
 public:
  LayerRunner(Network& net, std::int64_t l)
      : net_(net),
        l_(l),
        in_(net.channels(l - 1)),
        out_(net.channels(l)),
        weight_t_(net.layers[l].weight.t()),
        sign_(at::where(net.layers[l].gamma < 0, -1.0f, 1.0f).to(at::kFloat)),
        moments_(out_) {}

  /// Buffers for chunks of `rows`.
  void Reserve(std::int64_t rows) {
    input_ = at::empty({rows, in_}, at::kFloat);
    if (l_ == net_.last()) output_ = at::empty({rows, out_}, at::kFloat);
  }

  void Run(std::int64_t first, std::int64_t last) {
    const std::int64_t rows = (last - first) * net_.k;
    net_.ActivatedChunk(l_ - 1, first, last, input_.data_ptr<float>());
    Tensor out = l_ == net_.last()
                     ? output_.narrow(0, 0, rows)
                     : net_.layers[l_].z.narrow(0, net_.Stores(l_) ? first * net_.k : 0, rows);
    at::mm_out(out, input_.narrow(0, 0, rows), weight_t_);
    if (net_.batch_statistics) moments_.AddChunk(out.data_ptr<float>(), rows, out_);
    if (l_ == net_.last()) {
      FindExtremes(out.data_ptr<float>(),
                   last - first,
                   net_.k,
                   out_,
                   sign_.data_ptr<float>(),
                   net_.extreme.data_ptr<float>() + first * out_,
                   net_.extreme_row.data_ptr<std::int32_t>() + first * out_);
    }
  }

  BatchMoments moments() const { return moments_.Get(); }

 private:
  Network& net_;
  std::int64_t l_, in_, out_;
  Tensor weight_t_, sign_, input_, output_;
  Moments moments_;
};

/// Layer after layer, since each needs the statistics of the one before over all rows.
void ForwardWithBatchStatistics(Network& net, double eps, std::vector<BatchMoments>* moments) {
  const auto keep = [&](std::int64_t l, const BatchMoments& m) {
    SetNorm(net.layers[l], m.mean, m.variance, eps);
    moments->push_back({m.mean + net.layers[l].bias, m.variance});
  };
  keep(0, FirstMoments(net));
  for (std::int64_t l = 1; l <= net.last(); ++l) {
    LayerRunner runner(net, l);
    const std::int64_t chunk = net.ChunkGroups(l);
    runner.Reserve(chunk * net.k);
    net.ForChunks(chunk, [&](std::int64_t g, std::int64_t end) { runner.Run(g, end); });
    keep(l, runner.moments());
  }
}

/// All layers of a chunk while it is in the cache.
void ForwardWithRunningStatistics(Network& net, std::int64_t chunk) {
  std::vector<LayerRunner> runners;
  runners.reserve(net.layers.size());
  for (std::int64_t l = 1; l <= net.last(); ++l) {
    runners.emplace_back(net, l);
    runners.back().Reserve(chunk * net.k);
  }
  net.ForChunks(chunk, [&](std::int64_t g, std::int64_t end) {
    for (LayerRunner& runner : runners) runner.Run(g, end);
  });
}

// Tensors of a call in one list: points, centres, then bias, gamma, beta and weight of each layer;
// layer 0 has no weight.
struct Call {
  const GroupedInput* input;
  const std::vector<GroupedLayer>* layers;
  std::vector<BatchMoments>* moments;
  GroupedChoices* choices;
  bool keep;  // a backward pass may follow
};

GroupedChoices ChoicesOf(const Network& net, const Tensor& out) {
  GroupedChoices choices{{}, net.extreme_row, out > 0};
  for (std::int64_t l = 0; l < net.last(); ++l) {
    const Tensor h = at::empty({net.groups * net.k, net.channels(l)}, at::kFloat);
    net.ActivatedChunk(l, 0, net.groups, h.data_ptr<float>());
    choices.passed.push_back(h > 0);
  }
  return choices;
}

class GroupedMlpFunction : public torch::autograd::Function<GroupedMlpFunction> {
 public:
  static Tensor forward(AutogradContext* ctx, at::TensorList tensors, const Call* call) {
    const GroupedInput& input = *call->input;
    Network net;
    Fill(net, tensors, input.rows);
    net.k = input.k;
    net.groups = net.centres.size(0);
    net.groups_per_clip = input.groups_per_clip;
    net.batch_statistics = input.batch_statistics;
    const std::int64_t width = net.channels(net.last());
    net.extreme = at::empty({net.groups, width}, at::kFloat);
    net.extreme_row = at::empty({net.groups, width}, at::kInt);
    const std::int64_t chunk = net.ChunkGroups(net.last());
    const bool whole = call->keep || net.batch_statistics;
    for (std::int64_t l = 1; l < net.last(); ++l) {
      const std::int64_t rows = whole ? net.groups * net.k : chunk * net.k;
      net.layers[l].z = at::empty({rows, net.channels(l)}, at::kFloat);
    }
    if (net.batch_statistics) {
      ForwardWithBatchStatistics(net, input.eps, call->moments);
    } else {
      for (std::size_t l = 0; l < net.layers.size(); ++l) {
        const GroupedLayer& given = (*call->layers)[l];
        // The linear part is computed without its bias: the mean is shifted instead.
        SetNorm(
            net.layers[l], given.running_mean - net.layers[l].bias, given.running_var, input.eps);
      }
      ForwardWithRunningStatistics(net, chunk);
    }
    if (call->keep) Save(ctx, net, tensors);
    const Norm& norm = net.layers[net.last()].norm;
    const Tensor out = (net.extreme * norm.scale).add_(norm.shift).clamp_min_(0);
    if (call->choices != nullptr && whole) *call->choices = ChoicesOf(net, out);
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    Network net = Restore(ctx);
    const NetworkGradient gradient = RunBackward(net, grads[0].contiguous());
    variable_list out = {gradient.points, gradient.centres};
    for (const LayerGradient& g : gradient.layers) {
      out.insert(out.end(), {g.bias, g.gamma, g.beta});
      if (g.weight.defined()) out.push_back(g.weight);
    }
    out.emplace_back();  // the call
    return out;
  }

 private:
  static void Fill(Network& net, at::TensorList tensors, const Tensor& rows) {
    net.points = tensors[0].contiguous();
    net.centres = tensors[1].contiguous();
    net.rows = rows;
    for (std::size_t i = 2; i<tensors.size(); i += net.layers.size()> 1 ? 4 : 3) {
      Layer layer;
      layer.bias = tensors[i];
      layer.gamma = tensors[i + 1];
      layer.beta = tensors[i + 2];
      if (i > 2) layer.weight = tensors[i + 3].contiguous();
      net.layers.push_back(layer);
    }
  }

  static void Save(AutogradContext* ctx, const Network& net, at::TensorList tensors) {
    variable_list saved = tensors.vec();
    saved.insert(saved.end(), {net.rows, net.extreme, net.extreme_row});
    for (const Layer& l : net.layers) {
      saved.insert(saved.end(), {l.norm.mean, l.norm.inverse, l.norm.scale, l.norm.shift, l.z});
    }
    ctx->save_for_backward(saved);
    ctx->saved_data["k"] = net.k;
    ctx->saved_data["groups_per_clip"] = net.groups_per_clip;
    ctx->saved_data["batch_statistics"] = net.batch_statistics;
    ctx->saved_data["inputs"] = static_cast<std::int64_t>(tensors.size());
  }

  static Network Restore(AutogradContext* ctx) {
    const variable_list saved = ctx->get_saved_variables();
    const std::int64_t inputs = ctx->saved_data["inputs"].toInt();
    Network net;
    Fill(net, at::TensorList(saved.data(), inputs), saved[inputs]);
    net.extreme = saved[inputs + 1];
    net.extreme_row = saved[inputs + 2];
    std::size_t at = inputs + 3;
    for (Layer& l : net.layers) {
      l.norm = {saved[at], saved[at + 1], saved[at + 2], saved[at + 3]};
      l.z = saved[at + 4];
      at += 5;
    }
    net.k = ctx->saved_data["k"].toInt();
    net.groups = net.centres.size(0);
    net.groups_per_clip = ctx->saved_data["groups_per_clip"].toInt();
    net.batch_statistics = ctx->saved_data["batch_statistics"].toBool();
    return net;
  }
};

}  // namespace

Tensor GroupedMlp(const GroupedInput& input,
                  const std::vector<GroupedLayer>& layers,
                  std::vector<BatchMoments>* moments,
                  GroupedChoices* choices) {
  variable_list tensors = {input.points, input.centres};
  for (const GroupedLayer& l : layers) {
    tensors.insert(tensors.end(), {l.bias, l.gamma, l.beta});
    if (l.weight.defined()) tensors.push_back(l.weight);
  }
  const bool keep = at::GradMode::is_enabled() &&
                    std::any_of(tensors.begin(), tensors.end(), [](const Tensor& t) {
                      return t.defined() && t.requires_grad();
                    });
  const Call call = {&input, &layers, moments, choices, keep};
  return GroupedMlpFunction::apply(at::TensorList(tensors), &call);
}

}  // namespace cross4d::point4d
