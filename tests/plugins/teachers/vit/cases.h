// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensorio/checkpoint_torch.h"
#include "core/vit/vit_teacher.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "plugins/teachers/dinov2/model.h"
#include "plugins/teachers/dinov3/model.h"
#include "plugins/teachers/videomae/model.h"
#include "plugins/teachers/vjepa2/model.h"

namespace cross4d::vit_cases {

namespace fs = std::filesystem;

/// The folder of open cases, or empty when the data are not there.
inline fs::path OpenCases() {
  const char* data = std::getenv("CROSS4D_TEST_DATA");
  const fs::path folder = fs::path(data != nullptr ? data : "") / "goldens" / "open";
  return data != nullptr && fs::exists(folder) ? folder : fs::path();
}

inline nlohmann::json ReadJson(const fs::path& file) {
  std::ifstream in(file);
  return nlohmann::json::parse(in);
}

inline at::Tensor ReadTensor(const fs::path& file, const std::string& name) {
  return tensorio::LoadTensor(*tensorio::Checkpoint::Open(file), name).clone();
}

/// Builds the model of a family ("dinov2", "dinov3", "vjepa2", "videomae", "videomaev2") as its
/// plugin does.
inline vit::VisionTransformer LoadFamily(const std::string& family,
                                         const fs::path& weights,
                                         at::ScalarType dtype = at::kFloat,
                                         vjepa2::PositionGrid grid = vjepa2::PositionGrid::kInput) {
  const auto checkpoint = tensorio::Checkpoint::Open(weights);
  auto source = tensorio::Source<vit::WeightSource>(checkpoint);
  const vit::Placement placement{dtype, at::kCPU};
  const fs::path folder = checkpoint->folder();
  if (family == "dinov2") return dinov2::LoadModel(source, folder, placement);
  if (family == "dinov3") return dinov3::LoadModel(source, folder, placement);
  if (family == "vjepa2") return vjepa2::LoadModel(source, folder, grid, placement);
  return videomae::LoadModel(source, folder, placement);
}

/// [B, 3, H, W] or [B, T, 3, H, W] -> [B, T, 3, H, W].
inline at::Tensor AsFrames(const at::Tensor& pixels) {
  return pixels.dim() == 4 ? pixels.unsqueeze(1) : pixels;
}

/// Empty, or where `actual` first leaves |a - b| <= atol + rtol |b|.
inline std::string Difference(const at::Tensor& actual,
                              const at::Tensor& expected,
                              double atol,
                              double rtol) {
  if (actual.sizes() != expected.sizes()) {
    std::ostringstream text;
    text << "shape " << actual.sizes() << ", expected " << expected.sizes();
    return text.str();
  }
  const at::Tensor excess = (actual - expected).abs() - (atol + rtol * expected.abs());
  const double worst = excess.max().item<double>();
  // Not `worst > 0`: NaN must not pass.
  if (worst <= 0) return "";
  return "off by up to " + std::to_string((actual - expected).abs().max().item<double>());
}

}  // namespace cross4d::vit_cases
