// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/conformance/conformance.h"

#include <cross4d/sdk/student.h>

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace cross4d::conformance {

/// What the suites share: the plugin under test and the report that grows.
struct Suite {
  const base::PluginDescription& plugin;
  const PluginRecord& record;
  const Settings& settings;
  Report& report;

  /// Runs one check. The body returns "" when it passed, else what was found and expected; what it
  /// throws is a failure too.
  void Run(const std::string& check, const std::function<std::string()>& body);
  void Skip(const std::string& check, const std::string& reason);
  PluginContext context() const;
};

void CheckDataset(Suite& suite);
void CheckTeacher(Suite& suite);
void CheckStudent(Suite& suite);
void CheckObjective(Suite& suite);

/// "" or how `tensor` differs from a defined, contiguous CPU tensor of that type and shape; -1 =
/// any size.
std::string CheckTensor(const std::string& name,
                        const torch::Tensor& tensor,
                        torch::ScalarType type,
                        const std::vector<std::int64_t>& shape);
/// "" or the first index that lies outside [low, high].
std::string CheckRange(const std::string& name,
                       const torch::Tensor& tensor,
                       std::int64_t low,
                       std::int64_t high);
/// Same type, shape and bytes; two undefined tensors are the same.
bool SameBytes(const torch::Tensor& a, const torch::Tensor& b);
/// Largest |a - b| relative to the largest |b|.
double RelativeDifference(const torch::Tensor& a, const torch::Tensor& b);

/// Numbers made from integers only: the same clip everywhere. [T, N, 3] float32.
torch::Tensor MadeUpClip(std::int64_t frames, std::int64_t points, std::int64_t seed);
/// Those that are trained: an objective's momentum teacher is no head.
std::int64_t CountParameters(const torch::nn::Module& module);
std::string SaveModule(const torch::nn::Module& module);
void LoadModule(torch::nn::Module& module, const std::string& bytes);
/// "" or the parameters that the last backward pass missed, by name: no gradient, a gradient that
/// is not finite, or zeros although `output`, computed again, depends on the parameter. (Zeros are
/// right for a bias in front of a batch normalisation.)
std::string MissingGradients(torch::nn::Module& module,
                             const std::function<torch::Tensor()>& output);
StudentInput StackInput(const std::vector<torch::Tensor>& clips,
                        const std::vector<TokenGeometry>& geometry);

/// Option sets that differ from `base` in the one option `name` and are still valid; most plausible
/// first.
std::vector<OptionValues> Variants(const OptionSchema& schema,
                                   const OptionValues& base,
                                   const std::string& name);

}  // namespace cross4d::conformance
