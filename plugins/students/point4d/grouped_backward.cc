// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "grouped_network.h"

namespace cross4d::point4d {
namespace {

using torch::Tensor;

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
  /// Sums over rows of dy and dy * (z - mean): float32 within a chunk, double over chunks.
  class Sums {
   public:
    explicit Sums(std::int64_t channels) : chunk_(2 * channels), total_(2 * channels) {}
    NormSums StartChunk() {
      std::fill(chunk_.begin(), chunk_.end(), 0.0f);
      return {chunk_.data(), chunk_.data() + chunk_.size() / 2};
    }
    void EndChunk() {
      for (std::size_t i = 0; i < total_.size(); ++i) total_[i] += chunk_[i];
    }
    /// [2, C]: both sums.
    Tensor Get() const {
      Tensor out = at::empty({2, static_cast<std::int64_t>(total_.size() / 2)}, at::kFloat);
      std::copy(total_.begin(), total_.end(), out.data_ptr<float>());
      return out;
    }

   private:
    std::vector<float> chunk_;
    std::vector<double> total_;
  };

  /// Sets gamma's, beta's and bias's gradients of layer l and returns a and b of dz = scale dy - b
  /// - a z.
  std::pair<Tensor, Tensor> CloseNorm(std::int64_t l, const Tensor& sums) {
    const Norm& norm = net_.layers[l].norm;
    const Tensor d_beta = sums[0], d_z = sums[1];
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
    const NormSums to = sums.StartChunk();
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
    sums.EndChunk();
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
  const Tensor own = at::stack({dy.sum(0, false, at::kDouble),
                                (dy * (net_.extreme - norm.mean)).sum(0, false, at::kDouble)});
  const auto [a, b] = CloseNorm(l, own.to(at::kFloat));
  const Tensor value = (dy * norm.scale).contiguous();

  // Every row gets dz = -(b + a z) besides the extremes, with z = h W': in h that is -(W'b + h
  // W'diag(a)W).
  const Tensor& weight = layer.weight;
  const Tensor mixing = at::mm(weight.t() * a, weight).neg_();
  const Tensor offset = at::mv(weight.t(), b).contiguous();
  const std::int64_t in = net_.channels(l - 1), out = net_.channels(l);
  Tensor d_weight = at::zeros({out, in}, at::kFloat);
  Tensor gram = at::zeros({in, in}, at::kFloat);
  std::vector<float> part(in);
  std::vector<double> total(in);
  d_hidden_ = at::empty({net_.groups * net_.k, in}, at::kFloat);
  Sums below(in);
  net_.ForChunks(chunk_, [&](std::int64_t first, std::int64_t last) {
    const Tensor h = Recompute(l - 1, first, last);
    Tensor dh = d_hidden_.narrow(0, first * net_.k, h.size(0));
    if (net_.batch_statistics) {
      at::addmm_out(gram, gram, h.t(), h);
      std::fill(part.begin(), part.end(), 0.0f);
      AddSums(h.data_ptr<float>(), h.size(0), in, part.data());
      for (std::int64_t i = 0; i < in; ++i) total[i] += part[i];
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
    const Tensor sum = at::tensor(total, at::kDouble).to(at::kFloat);
    const Tensor centred = gram - at::outer(sum, sum / net_.row_count());
    d_weight -= at::outer(norm.scale * gradients_[l].beta / net_.row_count(), sum);
    d_weight -= a.unsqueeze(1) * at::mm(weight, centred);
  }
  gradients_[l].weight = d_weight;
  norm_back_ = CloseNorm(l - 1, below.Get());
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
  norm_back_ = CloseNorm(l - 1, below.Get());
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

}  // namespace

NetworkGradient RunBackward(Network& net, const Tensor& d_pooled) {
  Backward pass(net);
  pass.Run(d_pooled);
  return {pass.d_points, pass.d_centres, pass.gradients()};
}

}  // namespace cross4d::point4d
