// SPDX-License-Identifier: Apache-2.0
#include "core/train/flat_parameters.h"

#include "core/train/adamw.h"

#include <cross4d/sdk/error.h>

#include <cmath>
#include <set>

namespace cross4d::train {
namespace {

// Parameters start at 64-byte boundaries, as if each were allocated by itself.
constexpr std::int64_t kAlign = 16;

std::span<float> Part(torch::Tensor& t, std::int64_t begin, std::int64_t end) {
  return {t.data_ptr<float>() + begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

bool IsDecayFree(const std::string& name, const torch::Tensor& parameter) {
  return parameter.dim() <= 1 || name.find("embed") != std::string::npos ||
         name.find("time") != std::string::npos;
}

FlatParameters::FlatParameters(const std::vector<torch::nn::Module*>& modules) {
  std::vector<torch::Tensor> parameters;
  std::set<const void*> seen;
  std::int64_t size = 0;
  for (torch::nn::Module* module : modules) {
    for (auto& item : module->named_parameters()) {
      torch::Tensor& p = item.value();
      if (!p.requires_grad() || !seen.insert(p.unsafeGetTensorImpl()).second) continue;
      if (p.scalar_type() != torch::kFloat32 || !p.device().is_cpu()) {
        throw Error(ErrorCode::kPlugin, "parameter '" + item.key() + "' is not float32 on the CPU");
      }
      segments_.push_back({size, size + p.numel(), !IsDecayFree(item.key(), p)});
      size += (p.numel() + kAlign - 1) / kAlign * kAlign;
      trainable_ += p.numel();
      parameters.push_back(p);
    }
  }
  for (torch::Tensor* buffer : {&values_, &gradients_, &first_, &second_}) {
    *buffer = torch::zeros({size}, torch::kFloat32);
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    torch::Tensor& p = parameters[i];
    const torch::Tensor view =
        values_.slice(0, segments_[i].begin, segments_[i].end).view(p.sizes());
    view.copy_(p.detach());
    p.set_data(view);
    p.mutable_grad() = gradients_.slice(0, segments_[i].begin, segments_[i].end).view(p.sizes());
  }
}

void FlatParameters::ZeroGradients() { gradients_.zero_(); }

double FlatParameters::GradientNorm() const {
  return std::sqrt(SumOfSquares(
      {gradients_.const_data_ptr<float>(), static_cast<std::size_t>(gradients_.numel())}));
}

void FlatParameters::Step(const protocol::PretrainOptions& options,
                          double lr,
                          double gradient_scale,
                          std::int64_t count) {
  AdamWStep step{.lr = lr,
                 .beta1 = options.beta1,
                 .beta2 = options.beta2,
                 .gradient_scale = gradient_scale,
                 .count = count};
  for (const Segment& s : segments_) {
    step.weight_decay = s.decay ? options.weight_decay : 0;
    AdamWUpdate(step,
                Part(values_, s.begin, s.end),
                Part(gradients_, s.begin, s.end),
                Part(first_, s.begin, s.end),
                Part(second_, s.begin, s.end));
  }
}

}  // namespace cross4d::train
