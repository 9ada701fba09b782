// SPDX-License-Identifier: Apache-2.0
#include "grouped_mlp.h"

#include <ATen/ATen.h>
#include <torch/autograd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "grouped_loops.h"

namespace cross4d::point4d {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// What BatchNorm does to a layer's linear output z (bias left out): y = z * scale + shift.
struct Norm {
  Tensor mean, inverse, scale, shift;  // [C]; inverse = 1 / sqrt(variance + eps)
};

struct Layer {
  Tensor weight, bias, gamma, beta;
  Norm norm;
  Tensor z;  // middle layers: linear output of all rows, or of one chunk
};

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

/// The state of one pass, shared by forward and backward.
struct Network {
  Tensor points, centres, rows;
  std::int64_t k = 0, groups = 0, groups_per_clip = 0;
  bool batch_statistics = false;
  std::vector<Layer> layers;
  Tensor extreme, extreme_row;  // [G, C], of the last layer

  std::int64_t last() const { return static_cast<std::int64_t>(layers.size()) - 1; }
  std::int64_t channels(std::int64_t l) const { return layers[l].gamma.size(0); }
  double row_count() const { return static_cast<double>(groups * k); }

  GroupedPoints Grouped() const {
    return {points.data_ptr<float>(),
            centres.data_ptr<float>(),
            rows.data_ptr<std::int32_t>(),
            k,
            points.size(1)};
  }

  /// Groups per chunk of layer l: input and output of a chunk stay in the second-level cache.
  std::int64_t ChunkGroups(std::int64_t l) const {
    constexpr std::int64_t kChunkFloats = 96 * 1024;
    const std::int64_t chunk_rows = kChunkFloats / (channels(l - 1) + channels(l));
    return std::clamp<std::int64_t>(chunk_rows / k, 1, groups_per_clip);
  }

  /// Calls body(first group, group after the last) for chunks that do not cross clips.
  template <class Body>
  void ForChunks(std::int64_t chunk, const Body& body) const {
    for (std::int64_t clip = 0; clip < groups; clip += groups_per_clip) {
      const std::int64_t end = std::min(clip + groups_per_clip, groups);
      for (std::int64_t g = clip; g < end; g += chunk) body(g, std::min(g + chunk, end));
    }
  }

  bool Stores(std::int64_t l) const { return layers[l].z.size(0) == groups * k; }
  float* StoredZ(std::int64_t l, std::int64_t group) const {
    return layers[l].z.data_ptr<float>() + (Stores(l) ? group * k * channels(l) : 0);
  }

  /// The activated output of layer l for some groups: what layer l + 1 reads.
  void ActivatedChunk(std::int64_t l, std::int64_t first, std::int64_t last, float* out) const {
    const float* scale = layers[l].norm.scale.data_ptr<float>();
    const float* shift = layers[l].norm.shift.data_ptr<float>();
    if (l == 0) {
      ActivateGroups(Grouped(), first, last, scale, shift, out);
    } else {
      Activate(StoredZ(l, first), (last - first) * k, channels(l), scale, shift, out);
    }
  }
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

/// Gradients of one layer's own tensors.
struct LayerGradient {
  Tensor weight, bias, gamma, beta;
};

/// Backward pass; walks the layers from the last to the first.
class Backward {
 public:
  explicit Backward(Network& net) : net_(net), gradients_(net.layers.size()) {
    const auto rows = net.ChunkGroups(net.last());
    chunk_ = rows;
    std::int64_t widest = 0;
    for (std::int64_t l = 0; l < net.last(); ++l) widest = std::max(widest, net.channels(l));
    input_ = at::empty({chunk_ * net.k * widest}, at::kFloat);
  }

  void Run(const Tensor& d_pooled) {
    FromLast(d_pooled);
    for (std::int64_t l = net_.last() - 1; l >= 1; --l) FromMiddle(l);
    ToPoints();
  }

  Tensor d_points, d_centres;
  const std::vector<LayerGradient>& gradients() const { return gradients_; }

 private:
  /// Sums over rows of dy and dy * (z - mean), in double over chunks.
  struct Sums {
    explicit Sums(std::int64_t channels)
        : d_shift(at::zeros({channels}, at::kDouble)), d_z(at::zeros({channels}, at::kDouble)) {}
    Tensor d_shift, d_z;
  };

  /// Sets gamma's, beta's and bias's gradients of layer l and returns a and b of dz = scale dy - b
  /// - a z.
  std::pair<Tensor, Tensor> CloseNorm(std::int64_t l, const Sums& sums) {
    const Norm& norm = net_.layers[l].norm;
    const Tensor d_beta = sums.d_shift.to(at::kFloat);
    const Tensor d_z = sums.d_z.to(at::kFloat);
    gradients_[l].beta = d_beta;
    gradients_[l].gamma = d_z * norm.inverse;
    if (!net_.batch_statistics) {
      gradients_[l].bias = norm.scale * d_beta;
      return {at::zeros_like(d_beta), at::zeros_like(d_beta)};
    }
    gradients_[l].bias = at::zeros_like(d_beta);
    const Tensor a = norm.scale * norm.inverse * norm.inverse * d_z / net_.row_count();
    return {a, norm.scale * d_beta / net_.row_count() - a * norm.mean};
  }

  /// The chunk of layer l's activated output, recomputed.
  Tensor Recompute(std::int64_t l, std::int64_t first, std::int64_t last) {
    net_.ActivatedChunk(l, first, last, input_.data_ptr<float>());
    const std::int64_t rows = (last - first) * net_.k, channels = net_.channels(l);
    return input_.narrow(0, 0, rows * channels).view({rows, channels});
  }

  /// ReLU of layer l over a chunk of dh (in place) and its contribution to `sums`.
  void ThroughRelu(std::int64_t l,
                   std::int64_t first,
                   std::int64_t last,
                   const Tensor& h,
                   const Tensor& offset,
                   Tensor& dh,
                   Sums& sums) {
    const std::int64_t channels = net_.channels(l);
    const Tensor part = at::zeros({2, channels}, at::kFloat);
    const NormSums to = {part.data_ptr<float>(), part.data_ptr<float>() + channels};
    const float* mean = net_.layers[l].norm.mean.data_ptr<float>();
    if (l == 0) {
      BackThroughReluGroups(net_.Grouped(),
                            first,
                            last,
                            h.data_ptr<float>(),
                            offset.data_ptr<float>(),
                            mean,
                            dh.data_ptr<float>(),
                            to);
    } else {
      BackThroughRelu(net_.StoredZ(l, first),
                      h.data_ptr<float>(),
                      h.size(0),
                      channels,
                      offset.data_ptr<float>(),
                      mean,
                      dh.data_ptr<float>(),
                      to);
    }
    sums.d_shift += part[0];
    sums.d_z += part[1];
  }

  void FromLast(const Tensor& d_pooled);
  void FromMiddle(std::int64_t l);
  void ToPoints();

  Network& net_;
  std::vector<LayerGradient> gradients_;
  std::int64_t chunk_ = 0;
  Tensor input_;
  Tensor d_hidden_;                      // [rows, C]: dy of the layer that comes next
  std::pair<Tensor, Tensor> norm_back_;  // its a and b
};

void Backward::FromLast(const Tensor& d_pooled) {
  const std::int64_t l = net_.last();
  const Layer& layer = net_.layers[l];
  const Norm& norm = layer.norm;
  const Tensor active = (net_.extreme * norm.scale + norm.shift) > 0;
  const Tensor dy = at::where(active, d_pooled, 0.0);
  Sums own(net_.channels(l));
  own.d_shift = dy.sum(0, false, at::kDouble);
  own.d_z = (dy * (net_.extreme - norm.mean)).sum(0, false, at::kDouble);
  const auto [a, b] = CloseNorm(l, own);
  const Tensor value = (dy * norm.scale).contiguous();

  // Every row gets dz = -(b + a z) besides the extremes, with z = h W': in h that is -(W'b + h
  // W'diag(a)W).
  const Tensor& weight = layer.weight;
  const Tensor mixing = at::mm(weight.t() * a, weight).neg_();
  const Tensor offset = at::mv(weight.t(), b).contiguous();
  const std::int64_t in = net_.channels(l - 1), out = net_.channels(l);
  Tensor d_weight = at::zeros({out, in}, at::kFloat);
  Tensor gram = at::zeros({in, in}, at::kFloat);
  Tensor total = at::zeros({in}, at::kDouble);
  d_hidden_ = at::empty({net_.groups * net_.k, in}, at::kFloat);
  Sums below(in);
  net_.ForChunks(chunk_, [&](std::int64_t first, std::int64_t last) {
    const Tensor h = Recompute(l - 1, first, last);
    Tensor dh = d_hidden_.narrow(0, first * net_.k, h.size(0));
    if (net_.batch_statistics) {
      at::addmm_out(gram, gram, h.t(), h);
      const Tensor part = at::zeros({in}, at::kFloat);
      AddSums(h.data_ptr<float>(), h.size(0), in, part.data_ptr<float>());
      total += part;
      at::mm_out(dh, h, mixing);
    } else {
      dh.zero_();
    }
    ScatterExtremes(value.data_ptr<float>() + first * out,
                    net_.extreme_row.data_ptr<std::int32_t>() + first * out,
                    last - first,
                    net_.k,
                    out,
                    weight.data_ptr<float>(),
                    h.data_ptr<float>(),
                    in,
                    dh.data_ptr<float>(),
                    d_weight.data_ptr<float>());
    ThroughRelu(l - 1, first, last, h, offset, dh, below);
  });
  if (net_.batch_statistics) {
    // About the mean of h, which is where a z + b has its own: no cancellation.
    const Tensor sum = total.to(at::kFloat);
    const Tensor centred = gram - at::outer(sum, sum / net_.row_count());
    d_weight -= at::outer(norm.scale * gradients_[l].beta / net_.row_count(), sum);
    d_weight -= a.unsqueeze(1) * at::mm(weight, centred);
  }
  gradients_[l].weight = d_weight;
  norm_back_ = CloseNorm(l - 1, below);
}

void Backward::FromMiddle(std::int64_t l) {
  const Layer& layer = net_.layers[l];
  const std::int64_t in = net_.channels(l - 1), out = net_.channels(l);
  const NormBack norm = {layer.norm.scale.data_ptr<float>(),
                         norm_back_.first.data_ptr<float>(),
                         norm_back_.second.data_ptr<float>()};
  Tensor d_weight = at::zeros({out, in}, at::kFloat);
  Tensor d_input = at::empty({net_.groups * net_.k, in}, at::kFloat);
  const Tensor none = at::zeros({in}, at::kFloat);
  Sums below(in);
  net_.ForChunks(chunk_, [&](std::int64_t first, std::int64_t last) {
    const Tensor h = Recompute(l - 1, first, last);
    Tensor dz = d_hidden_.narrow(0, first * net_.k, h.size(0));
    BackThroughNorm(net_.StoredZ(l, first), h.size(0), out, norm, dz.data_ptr<float>());
    at::addmm_out(d_weight, d_weight, dz.t(), h);
    Tensor dh = d_input.narrow(0, first * net_.k, h.size(0));
    at::mm_out(dh, dz, layer.weight);
    ThroughRelu(l - 1, first, last, h, none, dh, below);
  });
  gradients_[l].weight = d_weight;
  d_hidden_ = d_input;
  norm_back_ = CloseNorm(l - 1, below);
}

void Backward::ToPoints() {
  d_points = at::zeros_like(net_.points);
  d_centres = at::empty_like(net_.centres);
  const NormBack norm = {net_.layers[0].norm.scale.data_ptr<float>(),
                         norm_back_.first.data_ptr<float>(),
                         norm_back_.second.data_ptr<float>()};
  BackThroughNormGroups(net_.Grouped(),
                        0,
                        net_.groups,
                        norm,
                        d_hidden_.data_ptr<float>(),
                        d_points.data_ptr<float>(),
                        d_centres.data_ptr<float>());
}

// Tensors of a call in one list: points, centres, then bias, gamma, beta and weight of each layer;
// layer 0 has no weight.
struct Call {
  const GroupedInput* input;
  const std::vector<GroupedLayer>* layers;
  std::vector<BatchMoments>* moments;
  bool keep;  // a backward pass may follow
};

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
    return (net.extreme * norm.scale).add_(norm.shift).clamp_min_(0);
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    Network net = Restore(ctx);
    Backward pass(net);
    pass.Run(grads[0].contiguous());
    variable_list out = {pass.d_points, pass.d_centres};
    for (const LayerGradient& g : pass.gradients()) {
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
                  std::vector<BatchMoments>* moments) {
  variable_list tensors = {input.points, input.centres};
  for (const GroupedLayer& l : layers) {
    tensors.insert(tensors.end(), {l.bias, l.gamma, l.beta});
    if (l.weight.defined()) tensors.push_back(l.weight);
  }
  const bool keep = at::GradMode::is_enabled() &&
                    std::any_of(tensors.begin(), tensors.end(), [](const Tensor& t) {
                      return t.defined() && t.requires_grad();
                    });
  const Call call = {&input, &layers, moments, keep};
  return GroupedMlpFunction::apply(at::TensorList(tensors), &call);
}

}  // namespace cross4d::point4d
