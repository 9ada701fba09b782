// SPDX-License-Identifier: Apache-2.0
#include "convolutions.h"

#include <ATen/ATen.h>

#include <tuple>

namespace cross4d::p4transformer_seg {
namespace {

using torch::Tensor;

/// Indices within each clip's n points, [B, ...], as rows of [B * n], flat.
Tensor RowsOf(const Tensor& indices, std::int64_t n) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(indices.dim()), 1);
  shape[0] = indices.size(0);
  const Tensor first = at::arange(indices.size(0), indices.options().dtype(at::kLong)).mul_(n);
  return (indices.to(at::kLong) + first.view(shape)).view({-1});
}

/// Linear layers commute with gathering: on the points, before their rows are repeated.
std::vector<Tensor> ProjectFrames(const Tensor& features, const Tensor& weight) {
  return at::linear(features.flatten(1, 2), weight).unbind(0);
}

void Append(Tensors& to, const Tensors& more) { to.insert(to.end(), more.begin(), more.end()); }

}  // namespace

PointConvolution::PointConvolution(torch::nn::Module& root,
                                   const std::string& path,
                                   const LevelSizes& level,
                                   std::int64_t in,
                                   std::int64_t width)
    : level_(level),
      channels_(level.widths[2] * width),
      displacement_(root, path + ".conv_d", 0, 4, level.widths[0] * width, 4),
      feature_(root, path + ".conv_f", 0, in, level.widths[0] * width, 4),
      second_(root, path + ".mlp", 0, level.widths[0] * width, level.widths[1] * width, 4),
      third_(root, path + ".mlp", 3, level.widths[1] * width, channels_, 4) {}

Tensor PointConvolution::Slot(const Tensors& inputs, Statistics which) const {
  const Tensor *in = inputs.data(), &displacements = in[0], &projected = in[1], &rows = in[2];
  Tensor x = displacement_.Apply(displacements, in + 3, which) +
             feature_.Activate(projected.index_select(0, rows), in + 6, which);
  x = second_.Apply(x, in + 8, which);
  return third_.Apply(x, in + 11, which);
}

Tensor PointConvolution::operator()(const Points& below,
                                    const Tensor& anchors,
                                    const Tensor& neighbours,
                                    bool training) const {
  const std::int64_t frames = anchors.size(0), b = anchors.size(1), m = anchors.size(2);
  const std::int64_t n = below.places.size(2), k = neighbours.size(4);
  const std::vector<Tensor> projected = ProjectFrames(below.features, feature_.Weight());
  const Body body = [this, training, b, m, k](const Tensors& inputs, bool again) {
    const Statistics batch = again ? Statistics::kOfBatchAgain : Statistics::kOfBatch;
    const Tensor x = Slot(inputs, training ? batch : Statistics::kStored);
    return std::get<0>(x.view({b, m, k, channels_}).max(2));
  };
  std::vector<Tensor> out;
  for (std::int64_t t = 0; t < frames; ++t) {
    Tensor sum;
    for (std::int64_t s = 0; s < level_.frames; ++s) {
      const std::int64_t seen = SeenFrame(level_, t, s, frames);
      const Tensor rows = RowsOf(neighbours.select(1, t).select(1, s), n);
      const Tensor places = below.places[seen].view({b * n, 3}).index_select(0, rows);
      const Tensor away = places.view({b, m, k, 3}) - anchors[t].unsqueeze(2);
      const auto later = static_cast<double>(s - level_.frames / 2);
      const Tensor displacements = at::constant_pad_nd(away.view({-1, 3}), {0, 1}, later);
      Tensors inputs = {displacements, projected[static_cast<std::size_t>(seen)], rows};
      Append(inputs, displacement_.Values());
      Append(inputs, feature_.ScaleAndShift());
      Append(inputs, second_.Values());
      Append(inputs, third_.Values());
      const Tensor x = Recomputed(body, inputs);
      sum = sum.defined() ? sum + x : x;
    }
    out.push_back(sum);
  }
  return at::stack(out);
}

UpConvolution::UpConvolution(torch::nn::Module& root,
                             const std::string& path,
                             std::int64_t in,
                             std::int64_t skipped,
                             std::int64_t out)
    : in_(in),
      skipped_(skipped),
      first_(root, path + ".conv", 0, in + skipped, out, 3),
      second_(root, path + ".conv", 3, out, out, 3) {}

Tensor UpConvolution::Frame(const Tensors& inputs, Statistics which) const {
  const Tensor *in = inputs.data(), &above = in[0], &rows = in[1], &weights = in[2];
  const Tensor found = above.index_select(0, rows).view({weights.size(0), weights.size(1), -1});
  const Tensor x = (found * weights.unsqueeze(2)).sum(1) + at::linear(in[3], in[4]);
  return second_.Apply(first_.Activate(x, in + 5, which), in + 7, which);
}

Tensor UpConvolution::operator()(const Points& above,
                                 const Points& below,
                                 const Tensor& nearest,
                                 bool training) const {
  const std::int64_t frames = below.places.size(0), b = below.places.size(1);
  const std::int64_t n = below.places.size(2), m = above.places.size(2), k = nearest.size(3);
  const Tensor weight = first_.Weight(), of_skipped = weight.narrow(1, in_, skipped_);
  const std::vector<Tensor> projected = ProjectFrames(above.features, weight.narrow(1, 0, in_));
  const Body body = [this, training](const Tensors& inputs, bool again) {
    const Statistics batch = again ? Statistics::kOfBatchAgain : Statistics::kOfBatch;
    return Frame(inputs, training ? batch : Statistics::kStored);
  };
  std::vector<Tensor> out;
  for (std::int64_t t = 0; t < frames; ++t) {
    const Tensor rows = RowsOf(nearest.select(1, t), m);
    const Tensor places = above.places[t].view({b * m, 3}).index_select(0, rows);
    const Tensor away = places.view({b * n, k, 3}) - below.places[t].view({b * n, 1, 3});
    const Tensor near = (away.square().sum(2).sqrt() + 1e-8).reciprocal();
    Tensors inputs = {projected[static_cast<std::size_t>(t)],
                      rows,
                      near / near.sum(1, true),
                      below.features[t].view({b * n, skipped_}),
                      of_skipped};
    Append(inputs, first_.ScaleAndShift());
    Append(inputs, second_.Values());
    out.push_back(Recomputed(body, inputs).view({b, n, -1}));
  }
  return at::stack(out);
}

}  // namespace cross4d::p4transformer_seg
