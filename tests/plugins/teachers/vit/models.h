// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/plugins/teachers/vit/cases.h"

/// Tiny models made up in memory.
namespace cross4d::vit_cases {

using Tensors = std::map<std::string, at::Tensor>;

// Random tensors, the same for the same seed.
class Maker {
 public:
  at::Tensor operator()(at::IntArrayRef shape) { return at::randn(shape, generator_) * 0.3; }

 private:
  at::Generator generator_ = at::detail::createCPUGenerator(5);
};

class Models : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Config(const nlohmann::json& config) {
    std::ofstream(folder_ / "config.json") << config.dump();
  }
  static vit::WeightSource Source(const Tensors& tensors) {
    vit::WeightSource source{
        "weights.pth", {}, [tensors](const std::string& name) { return tensors.at(name); }};
    for (const auto& [name, tensor] : tensors) source.names.push_back(name);
    return source;
  }
  static std::string Refusal(const std::function<void()>& load) {
    try {
      load();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }

  fs::path folder_;
  Maker make_;
  const vit::Placement placement_;
};

// A linear layer or norm under two names.
inline void Both(Tensors* a,
                 const std::string& name_a,
                 Tensors* b,
                 const std::string& name_b,
                 Maker& make,
                 at::IntArrayRef shape) {
  (*a)[name_a + ".weight"] = (*b)[name_b + ".weight"] = make(shape);
  (*a)[name_a + ".bias"] = (*b)[name_b + ".bias"] = make({shape[0]});
}

inline void FuseQkv(Tensors* original,
                    const std::string& to,
                    const Tensors& hf,
                    const std::vector<std::string>& from) {
  std::vector<at::Tensor> weights, biases;
  for (const std::string& name : from) {
    weights.push_back(hf.at(name + ".weight"));
    biases.push_back(hf.count(name + ".bias") > 0 ? hf.at(name + ".bias")
                                                  : at::full({weights[0].size(0)}, 99.0));
  }
  (*original)[to + ".weight"] = at::cat(weights);
  (*original)[to + ".bias"] = at::cat(biases);
}

}  // namespace cross4d::vit_cases
