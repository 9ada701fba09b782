// SPDX-License-Identifier: Apache-2.0
#include "transformer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <memory>

namespace cross4d::p4transformer {
namespace {

using torch::Tensor;
using torch::nn::Module;

template <class M>
M Put(Module& root, const std::string& path, const M& module) {
  const std::size_t dot = path.rfind('.');
  return ModuleAt(root, path.substr(0, dot)).register_module(path.substr(dot + 1), module);
}

torch::nn::LayerNorm MakeLayerNorm(std::int64_t dim) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim}));
}

}  // namespace

Module& ModuleAt(Module& root, const std::string& path) {
  Module* at = &root;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    const auto children = at->named_children();
    const auto* found = children.find(name);
    at = found != nullptr ? found->get()
                          : at->register_module(name, std::make_shared<Module>()).get();
    begin = end + 1;
  }
  return *at;
}

Transformer::Transformer(Module& root, const TransformerSizes& o) : heads_(o.heads) {
  const std::int64_t inner = o.heads * o.dim_head;
  for (std::int64_t i = 0; i < o.depth; ++i) {
    const std::string at = "transformer.layers." + std::to_string(i);
    Layer layer;
    layer.norm1 = Put(root, at + ".0.fn.norm", MakeLayerNorm(o.dim));
    layer.to_qkv = Put(root,
                       at + ".0.fn.fn.to_qkv",
                       torch::nn::Linear(torch::nn::LinearOptions(o.dim, 3 * inner).bias(false)));
    layer.to_out = Put(root, at + ".0.fn.fn.to_out.0", torch::nn::Linear(inner, o.dim));
    layer.norm2 = Put(root, at + ".1.fn.norm", MakeLayerNorm(o.dim));
    layer.up = Put(root, at + ".1.fn.fn.net.0", torch::nn::Linear(o.dim, o.mlp));
    layer.down = Put(root, at + ".1.fn.fn.net.3", torch::nn::Linear(o.mlp, o.dim));
    layer.dropout = Put(root, at + ".dropout", torch::nn::Dropout(o.dropout));
    layers_.push_back(layer);
  }
}

Tensor Transformer::Attention(Layer& layer, const Tensor& x) {
  const std::int64_t b = x.size(0), l = x.size(1);
  const Tensor qkv = layer.to_qkv->forward(x).view({b, l, 3, heads_, -1}).permute({2, 0, 3, 1, 4});
  const Tensor y = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  return layer.to_out->forward(y.transpose(1, 2).reshape({b, l, -1}));
}

Tensor Transformer::operator()(Tensor x) {
  for (Layer& layer : layers_) {
    x = x + layer.dropout(at::gelu(Attention(layer, layer.norm1(x))));
    const Tensor hidden = layer.dropout(at::gelu(layer.up(layer.norm2(x))));
    x = x + layer.dropout(layer.down(hidden));
  }
  return x;
}

}  // namespace cross4d::p4transformer
