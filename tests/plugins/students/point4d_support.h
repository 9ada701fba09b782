// SPDX-License-Identifier: Apache-2.0
// What the tests of point4d share.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "plugins/students/point4d/point4d.h"

namespace cross4d::point4d {

using torch::Tensor;

inline Options Preset(const std::string& name) {
  return DescribeOptions().Read({{"preset", name}});
}

/// Small enough to run many times; three layers in the first set abstraction, two in the second.
inline Options Small() {
  Options o = Preset("quickstart");
  o.centroids = {12, 6};
  o.k = {5, 4};
  o.widths1 = {8, 12, 20};
  o.widths2 = {16, 24};
  o.dim = 24;
  o.heads = 3;
  o.ffn = 32;
  return o;
}

inline StudentInput Stack(const Student& student, const std::vector<Tensor>& clips) {
  std::vector<Tensor> centres, frames;
  std::map<std::string, std::vector<Tensor>> extra;
  for (const Tensor& clip : clips) {
    const TokenGeometry g = student.Tokenize(clip);
    centres.push_back(g.centres);
    frames.push_back(g.frames);
    for (const auto& [name, tensor] : g.extra) extra[name].push_back(tensor);
  }
  StudentInput input{at::stack(clips), at::stack(centres), at::stack(frames), {}};
  for (const auto& [name, list] : extra) input.extra[name] = at::stack(list);
  return input;
}

inline double Difference(const Tensor& a, const Tensor& b) {
  const double scale = std::max(1e-3, b.abs().max().item<double>());
  return (a - b).abs().max().item<double>() / scale;
}

/// The greatest relative difference and where it is.
struct Worst {
  double difference = 0;
  std::string where;

  void See(const std::string& name, const Tensor& got, const Tensor& want) {
    const double d = got.defined() ? Difference(got, want) : 1e9;
    if (!(d <= difference)) difference = d, where = name;
  }
};

/// A bias before BatchNorm with batch statistics has no effect: its gradient is 0, and rounding
/// noise in the plain form.
inline bool Cancels(const std::string& name) {
  return name.find("linear") != std::string::npos && name.ends_with("bias");
}

}  // namespace cross4d::point4d
