// SPDX-License-Identifier: Apache-2.0
#include "core/eval/lbfgs.h"

#include <deque>

namespace cross4d::eval {
namespace {

constexpr std::size_t kPairs = 10;
constexpr double kSufficientDecrease = 1e-4;
constexpr int kMaxHalvings = 40;

struct Pair {
  torch::Tensor step, change;  // of x, of the gradient
  double scale = 0;            // 1 / (step . change)
};

double Dot(const torch::Tensor& a, const torch::Tensor& b) { return a.dot(b).item<double>(); }

// Two-loop recursion: -H g.
torch::Tensor Direction(const std::deque<Pair>& pairs, const torch::Tensor& gradient) {
  torch::Tensor d = -gradient;
  std::vector<double> alpha(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    alpha[i] = pairs[i].scale * Dot(pairs[i].step, d);
    d = d - alpha[i] * pairs[i].change;
  }
  if (!pairs.empty()) {
    const Pair& last = pairs.back();
    d = d / (last.scale * Dot(last.change, last.change));
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    d = d + (alpha[i] - pairs[i].scale * Dot(pairs[i].change, d)) * pairs[i].step;
  }
  return d;
}

}  // namespace

int MinimizeLbfgs(const SmoothFunction& function,
                  torch::Tensor* x,
                  int iterations,
                  double tolerance) {
  std::deque<Pair> pairs;
  torch::Tensor gradient;
  double value = function(*x, &gradient);
  for (int i = 0; i < iterations; ++i) {
    if (gradient.abs().max().item<double>() < tolerance) return i;
    const torch::Tensor direction = Direction(pairs, gradient);
    const double slope = Dot(direction, gradient);
    double rate = pairs.empty() ? 1.0 / std::max(1.0, gradient.norm().item<double>()) : 1.0;
    torch::Tensor next, next_gradient;
    double next_value = 0;
    int halvings = 0;
    for (; halvings < kMaxHalvings; ++halvings, rate /= 2) {
      next = *x + rate * direction;
      next_value = function(next, &next_gradient);
      if (next_value <= value + kSufficientDecrease * rate * slope) break;
    }
    if (halvings == kMaxHalvings) return i;
    Pair pair{next - *x, next_gradient - gradient, 0};
    const double curvature = Dot(pair.step, pair.change);
    if (curvature > 1e-12) {
      pair.scale = 1 / curvature;
      pairs.push_back(std::move(pair));
      if (pairs.size() > kPairs) pairs.pop_front();
    }
    *x = next;
    gradient = next_gradient;
    value = next_value;
  }
  return iterations;
}

}  // namespace cross4d::eval
