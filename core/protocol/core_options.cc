// SPDX-License-Identifier: Apache-2.0
#include "core/protocol/core_options.h"

namespace cross4d::protocol {
namespace {

OptionTable<TargetsOptions> MakeTargetsTable() {
  using O = TargetsOptions;
  OptionTable<O> t;
  t.Add("cameras",
        &O::cameras,
        "Virtual cameras per clip: 1 (along the data set's viewpoint), 2 (45 degrees to each side) "
        "or 4 "
        "(all around).")
      .Choices({"1", "2", "4"});
  t.Add("image_size",
        &O::image_size,
        "Side of the rendered square image; a multiple of the teacher's patch size.")
      .Range(16, 2048)
      .Unit("px");
  t.Add("fov", &O::fov, "Vertical field of view of the cameras.").Range(5, 150).Unit("deg");
  t.Add("margin",
        &O::margin,
        "How far beyond a tight fit of the clip's bounding sphere the camera is backed off (a "
        "factor).")
      .Range(1, 10);
  t.Add("elevation", &O::elevation, "Angle by which the cameras are raised over the viewpoint.")
      .Range(-85, 85)
      .Unit("deg");
  t.Add("splat_radius",
        &O::splat_radius,
        "Radius of the disc that a point is drawn as; 0 = from the point density.")
      .Range(0, 64)
      .Unit("px");
  t.Add("shading",
        &O::shading,
        "Grey value of a pixel: its depth, or depth with a Lambert term from the z-buffer's "
        "normals.")
      .Choices({"depth", "depth+normal"});
  t.Add("visibility",
        &O::visibility,
        "When a point is visible: it owns at least one pixel, or the pixel at its own centre.")
      .Choices({"owns-pixel", "centre-depth"});
  t.Add("multi_camera",
        &O::multi_camera,
        "With several cameras: the target of the first camera that sees the point, or the mean of "
        "all "
        "that do.")
      .Choices({"first", "mean"});
  t.Add("projection",
        &O::projection,
        "How teacher features are reduced to `dim`: a fixed random Gaussian matrix, or PCA of the "
        "training split's patch tokens.")
      .Choices({"random", "pca"});
  t.Add("dim", &O::dim, "Length of a target vector (paper, d).").Range(1, 8192);
  t.Add("projection_seed",
        &O::projection_seed,
        "Seed of the random projection; not the run seed, so targets are shared between seeds.")
      .AtLeast(0);
  t.Add("granularity", &O::granularity, "One target per student token, or one per input point.")
      .Choices({"token", "point"});
  return t;
}

OptionTable<PretrainOptions> MakePretrainTable() {
  using O = PretrainOptions;
  OptionTable<O> t;
  t.Add("epochs", &O::epochs, "Passes over the training clips.").Range(1, 100000);
  t.Add("batch", &O::batch, "Clips per optimiser step; the last batch of an epoch may be smaller.")
      .Range(1, 65536);
  t.Add("lr", &O::lr, "Peak learning rate of AdamW.").Range(0, 10);
  t.Add("min_lr", &O::min_lr, "Learning rate at the end of the cosine decay.").Range(0, 10);
  t.Add("weight_decay",
        &O::weight_decay,
        "Decoupled weight decay; none on biases, norms and embeddings.")
      .Range(0, 10);
  t.Add("beta1", &O::beta1, "AdamW: decay of the first moment.").Range(0, 0.999999);
  t.Add("beta2", &O::beta2, "AdamW: decay of the second moment.").Range(0, 0.9999999);
  t.Add("warmup", &O::warmup, "Share of all steps in which the learning rate rises linearly.")
      .Range(0, 1);
  t.Add("clip_norm", &O::clip_norm, "Largest norm of the gradient; 0 = not clipped.").AtLeast(0);
  t.Add("variance_weight",
        &O::variance_weight,
        "Weight of the VICReg variance hinge on the objective's predictions (paper, Eq. 6); 0 = "
        "off.")
      .AtLeast(0);
  t.Add("subset",
        &O::subset,
        "Training videos used: a share up to 1, or a number of videos if above 1.")
      .Range(1e-6, 1e9);
  t.LessEqual("min_lr", "lr");
  return t;
}

OptionTable<LinearProbeOptions> MakeLinearProbeTable() {
  using O = LinearProbeOptions;
  OptionTable<O> t;
  t.Add("standardize",
        &O::standardize,
        "Z-score every feature with the training split's mean and standard deviation first.");
  t.Add("solver",
        &O::solver,
        "adamw: a fixed number of epochs, last epoch counts; lbfgs: until it has converged.")
      .Choices({"adamw", "lbfgs"});
  t.Add("epochs",
        &O::epochs,
        "Passes over the training clips (adamw), or iterations at most (lbfgs).")
      .Range(1, 100000);
  t.Add("batch", &O::batch, "Clips per step (adamw).").Range(1, 65536);
  t.Add("lr", &O::lr, "Learning rate (adamw); constant.").Range(0, 100);
  t.Add("weight_decay",
        &O::weight_decay,
        "Decoupled weight decay (adamw), or the factor of half the squared weights (lbfgs).")
      .Range(0, 100);
  return t;
}

}  // namespace

const OptionTable<TargetsOptions>& TargetsTable() {
  static const auto table = MakeTargetsTable();
  return table;
}

bool IsFeatureOption(std::string_view name) {
  return name != "granularity" && name != "multi_camera";
}

const OptionSpec& PackOption() {
  static const OptionSpec option = [] {
    OptionSpec spec;
    spec.name = "pack";
    spec.type = OptionType::kString;
    spec.default_value = std::string();
    spec.doc = "A file written by `cross4d data pack`: clips are read from it instead of decoded.";
    spec.role = OptionRole::kLocation;
    return spec;
  }();
  return option;
}

const OptionTable<PretrainOptions>& PretrainTable() {
  static const auto table = MakePretrainTable();
  return table;
}

const OptionTable<LinearProbeOptions>& LinearProbeTable() {
  static const auto table = MakeLinearProbeTable();
  return table;
}

}  // namespace cross4d::protocol
