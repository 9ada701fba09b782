// SPDX-License-Identifier: Apache-2.0
#include "core/vit/weights.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <utility>

namespace cross4d::vit {
namespace {

std::string ShapeText(at::IntArrayRef shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

// A few of the names, for a message.
template <class Names>
std::string Some(const Names& names) {
  std::string text;
  std::size_t shown = 0;
  for (const std::string& name : names) {
    if (shown++ == 4) return text + ", … (" + std::to_string(names.size()) + " in all)";
    text += (text.empty() ? "" : ", ") + name;
  }
  return text.empty() ? "none" : text;
}

}  // namespace

bool HasTensor(const WeightSource& source,
               std::initializer_list<std::string> prefixes,
               const std::string& anchor) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) {
    const auto& names = source.names;
    return std::find(names.begin(), names.end(), prefix + anchor) != names.end();
  });
}

WeightReader::WeightReader(WeightSource source,
                           std::initializer_list<std::string> prefixes,
                           const std::string& anchor)
    : source_(std::move(source)) {
  const auto prefix = std::find_if(prefixes.begin(), prefixes.end(), [&](const std::string& p) {
    return HasTensor(source_, {p}, anchor);
  });
  if (prefix == prefixes.end()) {
    FailInput(source_.where + ": has no tensor '" + anchor +
              "'; is it a checkpoint of this family? It has: " + Some(source_.names));
  }
  prefix_ = *prefix;
  for (const std::string& name : source_.names) {
    if (name.starts_with(prefix_)) present_.insert(name.substr(prefix_.size()));
  }
}

void WeightReader::Fail(const std::string& what) const { FailInput(source_.where + ": " + what); }

bool WeightReader::Has(const std::string& name) const { return present_.count(name) > 0; }

std::vector<std::int64_t> WeightReader::Shape(const std::string& name,
                                              std::size_t dimensions) const {
  if (!Has(name)) Fail("has no tensor '" + prefix_ + name + "'");
  std::vector<std::int64_t> shape = source_.load(prefix_ + name).sizes().vec();
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  if (shape.size() != dimensions || empty) {
    Fail("tensor '" + prefix_ + name + "' has the shape " + ShapeText(shape) + ", expected " +
         std::to_string(dimensions) + " sides");
  }
  return shape;
}

std::int64_t WeightReader::Count(const std::string& before, const std::string& after) const {
  std::int64_t count = 0;
  while (Has(before + std::to_string(count) + after)) ++count;
  return count;
}

at::Tensor WeightReader::View(const std::string& name, at::IntArrayRef shape) {
  if (!Has(name)) {
    Fail("has no tensor '" + prefix_ + name + "' of shape " + ShapeText(shape) +
         ", which its configuration calls for");
  }
  at::Tensor tensor = source_.load(prefix_ + name);
  if (tensor.sizes() != shape) {
    Fail("tensor '" + prefix_ + name + "' has the shape " + ShapeText(tensor.sizes()) +
         ", its configuration calls for " + ShapeText(shape));
  }
  if (!at::isFloatingType(tensor.scalar_type())) {
    Fail("tensor '" + prefix_ + name + "' is of type " + at::toString(tensor.scalar_type()) +
         ", expected a floating type");
  }
  taken_.insert(name);
  return tensor;
}

at::Tensor WeightReader::Float(const std::string& name, at::IntArrayRef shape) {
  const at::Tensor view = View(name, shape);
  return at::empty(shape, at::kFloat).copy_(view);
}

void WeightReader::Ignore(std::initializer_list<std::string_view> names) {
  for (const std::string& present : present_) {
    for (const std::string_view name : names) {
      const bool match = name.ends_with('.') ? present.starts_with(name) : present == name;
      if (match) taken_.insert(present);
    }
  }
}

void WeightReader::Finish() const {
  std::vector<std::string> left;
  std::set_difference(
      present_.begin(), present_.end(), taken_.begin(), taken_.end(), std::back_inserter(left));
  if (left.empty()) return;
  Fail("has " + std::to_string(left.size()) +
       " tensors that the model of its configuration has no place for: " + Some(left) +
       "; do configuration and weights belong together?");
}

}  // namespace cross4d::vit
