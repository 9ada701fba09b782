// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::vit {

/// Where weights come from: a checkpoint, whatever its container.
struct WeightSource {
  std::string where;               ///< file or folder, for messages
  std::vector<std::string> names;  ///< of all tensors
  /// A CPU tensor of any floating type; it may be a read-only view on a mapped file.
  std::function<at::Tensor(const std::string& name)> load;
};

/// One of `prefixes` + `anchor` is a tensor of the source: tells layouts apart.
bool HasTensor(const WeightSource& source,
               std::initializer_list<std::string> prefixes,
               const std::string& anchor);

/// Takes tensors out of a source one by one, checks each against the shape that the model wants,
/// and keeps account, so that a tensor the model has no place for is found at the end.
/// Error(kInput) names the tensor, the file, the wanted and the found shape.
class WeightReader {
 public:
  /// The model's tensors begin with one of `prefixes`: the first one P for which the source has a
  /// tensor P + `anchor`. What lies outside of a non-empty prefix belongs to others (heads,
  /// decoders).
  WeightReader(WeightSource source,
               std::initializer_list<std::string> prefixes,
               const std::string& anchor);

  bool Has(const std::string& name) const;
  /// The stored shape, checked to have `dimensions` sides; for sizes that no configuration states.
  std::vector<std::int64_t> Shape(const std::string& name, std::size_t dimensions) const;
  /// How many of `before`0`after`, `before`1`after`, … there are.
  std::int64_t Count(const std::string& before, const std::string& after) const;
  /// A view on the source (see WeightSource::load), checked.
  at::Tensor View(const std::string& name, at::IntArrayRef shape);
  /// A copy of its own in float32.
  at::Tensor Float(const std::string& name, at::IntArrayRef shape);
  /// Known and not wanted: names, or beginnings that end in '.'.
  void Ignore(std::initializer_list<std::string_view> names);
  /// Error(kInput) when the source has tensors that were neither taken nor ignored.
  void Finish() const;

  [[noreturn]] void Fail(const std::string& what) const;
  const std::string& where() const { return source_.where; }

 private:
  WeightSource source_;
  std::string prefix_;
  std::set<std::string, std::less<>> present_;  ///< without the prefix
  std::set<std::string, std::less<>> taken_;
};

}  // namespace cross4d::vit
