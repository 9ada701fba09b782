// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/vit/load.h"
#include "core/vit/transformer.h"

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/option.h>
#include <cross4d/sdk/teacher.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

namespace cross4d::vit {

/// What every ViT teacher has as options.
struct TeacherOptions {
  std::string weights;         ///< folder or file of the checkpoint
  std::string model;           ///< the user's name for them
  std::string dtype = "fp32";  ///< "fp32" or "bf16"
  double memory_gb = 0;        ///< 0: half of what is free
};

/// Adds the four rows to a plugin's table, whose struct derives from TeacherOptions.
template <class Options>
void AddTeacherOptions(OptionTable<Options>& table) {
  table
      .Add("weights",
           static_cast<std::string Options::*>(&TeacherOptions::weights),
           "Checkpoint: a folder (config.json and model.safetensors) or a weight file.")
      .Location()
      .Required();
  table.Add(
      "model",
      static_cast<std::string Options::*>(&TeacherOptions::model),
      "Your name for these weights, as dinov2-large: the path is not part of the key, so a grid "
      "over several checkpoints needs one each.");
  table
      .Add("dtype",
           static_cast<std::string Options::*>(&TeacherOptions::dtype),
           "Type that the linear layers' weights are held and, where the hardware can, multiplied "
           "in.")
      .Choices({"fp32", "bf16"});
  table
      .Add("memory_gb",
           static_cast<double Options::*>(&TeacherOptions::memory_gb),
           "Memory for the images (clips, for video models) in work at once, beside the weights; 0 "
           "= "
           "half of what is free. The results do not depend on it.")
      .Range(0, 65536)
      .Unit("GB")
      .Runtime();
}

/// Mean and std of the input.
struct Normalisation {
  std::array<double, 3> mean{0.485, 0.456, 0.406};
  std::array<double, 3> std{0.229, 0.224, 0.225};
};
/// image_mean and image_std of `folder`/preprocessor_config.json; ImageNet's when there is none.
Normalisation ReadNormalisation(const std::filesystem::path& folder);

/// dtype and device as the options and the host's context say. Error(kInput) on a device that this
/// program cannot use.
Placement PlacementOf(const TeacherOptions& options, const PluginContext& context);

/// A Teacher on a VisionTransformer: takes the batch in chunks that fit into memory and hands out
/// the patch tokens. Of `threads`, those that LibTorch does not use inside its operations work on
/// images (clips, for video models) side by side, which changes no bit of the result.
class VitTeacher : public Teacher {
 public:
  VitTeacher(VisionTransformer model,
             const Normalisation& normalisation,
             double memory_gb,
             std::string fingerprint,
             int threads = 1);

  TeacherTraits traits() const override;
  torch::Tensor Encode(const torch::Tensor& frames) override;
  torch::Tensor EncodeHidden(const torch::Tensor& frames) override;
  std::string Fingerprint() const override { return fingerprint_; }
  const VisionTransformer& model() const { return model_; }
  /// How many of these clips [B, T, 3, H, W] are in work at once. Error(kInput): memory_gb is too
  /// little for one.
  std::int64_t ChunkOf(const at::Tensor& frames) const;

 private:
  using Part = at::Tensor (*)(const Tokens& tokens);
  at::Tensor InChunks(const at::Tensor& frames, Part part) const;
  at::Tensor SideBySide(const at::Tensor& frames, Part part) const;
  std::int64_t Lanes(std::int64_t clips) const;

  VisionTransformer model_;
  Normalisation normalisation_;
  double memory_gb_;
  std::string fingerprint_;
  int threads_;
};

}  // namespace cross4d::vit
