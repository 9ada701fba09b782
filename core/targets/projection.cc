// SPDX-License-Identifier: Apache-2.0
#include "core/targets/projection.h"

#include "core/base/hash.h"
#include "core/base/seed.h"
#include "core/tensorio/torch_view.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <cmath>
#include <numbers>

namespace cross4d::targets {
namespace {

std::string HashOf(const torch::Tensor& a, const torch::Tensor& b) {
  base::Sha256 hash;
  for (const torch::Tensor& t : {a, b}) hash.Update(t.const_data_ptr(), t.nbytes());
  return hash.Finish();
}

}  // namespace

torch::Tensor Projection::Apply(const torch::Tensor& features) const {
  return torch::mm(mean.defined() ? features - mean : features, matrix);
}

Projection RandomProjection(std::int64_t from, std::int64_t to, std::uint64_t seed) {
  base::SplitMix64 random(base::DeriveSeed(seed, "projection"));
  const double scale = 1.0 / std::sqrt(static_cast<double>(to));
  torch::Tensor matrix = torch::empty({from, to}, torch::kFloat32);
  float* out = matrix.data_ptr<float>();
  const std::int64_t count = from * to;
  // Box-Muller; 1 - u lies in (0, 1], so the logarithm is finite.
  for (std::int64_t i = 0; i < count; i += 2) {
    const double radius = scale * std::sqrt(-2.0 * std::log(1.0 - random.Uniform()));
    const double angle = 2.0 * std::numbers::pi * random.Uniform();
    out[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < count) out[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
  return {matrix, {}};
}

PcaFit::PcaFit(std::int64_t dim)
    : sum_(torch::zeros({dim}, torch::kFloat64)),
      products_(torch::zeros({dim, dim}, torch::kFloat64)) {}

void PcaFit::Add(const torch::Tensor& features) {
  const torch::Tensor x = features.to(torch::kFloat64);
  rows_ += x.size(0);
  ++clips_;
  sum_ += x.sum(0);
  products_.addmm_(x.t(), x);
}

void PcaFit::Save(const std::filesystem::path& file, const std::string& identity) const {
  const nlohmann::json state = {{"identity", base::Sha256Hex(identity)},
                                {"rows", rows_},
                                {"clips", clips_},
                                {"sha256", HashOf(sum_, products_)}};
  tensorio::SafetensorsWriter writer(
      file,
      {tensorio::Declare("sum", sum_), tensorio::Declare("products", products_)},
      {{"state", state.dump()}});
  writer.Write("sum", tensorio::BytesOf(sum_));
  writer.Write("products", tensorio::BytesOf(products_));
  writer.Finish();
}

bool PcaFit::Load(const std::filesystem::path& file, const std::string& identity) {
  if (!std::filesystem::exists(file)) return false;
  try {
    const auto opened = tensorio::SafetensorsFile::Open(file);
    const auto state = nlohmann::json::parse(opened->metadata().at("state"));
    const torch::Tensor sum = tensorio::View(opened, "sum").clone();
    const torch::Tensor products = tensorio::View(opened, "products").clone();
    if (state.at("identity") != base::Sha256Hex(identity) ||
        state.at("sha256") != HashOf(sum, products)) {
      return false;
    }
    state.at("rows").get_to(rows_);
    state.at("clips").get_to(clips_);
    sum_ = sum;
    products_ = products;
    return true;
  } catch (const std::exception&) {
    return false;  // cut by a crash of the machine: the sums are taken again
  }
}

Projection PcaFit::Finish(std::int64_t to) const {
  const std::int64_t from = sum_.size(0);
  if (to > from) {
    FailInput("targets.dim = " + std::to_string(to) +
              " with projection = \"pca\": the teacher has only " + std::to_string(from) +
              " channels; lower dim or use projection = \"random\"");
  }
  const torch::Tensor mean = sum_ / static_cast<double>(rows_);
  const torch::Tensor covariance =
      products_ / static_cast<double>(rows_) - torch::outer(mean, mean);
  // Ascending eigenvalues, one vector per column.
  const torch::Tensor vectors = std::get<1>(torch::linalg_eigh(covariance));
  torch::Tensor top = vectors.flip({1}).slice(1, 0, to);
  const torch::Tensor largest = std::get<1>(top.abs().max(0, /*keepdim=*/true));
  top = top * top.gather(0, largest).sign();
  return {top.to(torch::kFloat32).contiguous(), mean.to(torch::kFloat32)};
}

}  // namespace cross4d::targets
