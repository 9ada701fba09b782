// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/checkpoint_torch.h"
#include "core/vit/vit_teacher.h"

#include <cross4d/sdk/plugin.h>
#include <cross4d/sdk/teacher.h>

#include "model.h"

namespace {

using namespace cross4d;

struct Options : vit::TeacherOptions {
  std::string position_grid = "input";
};

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> table;
  vit::AddTeacherOptions(table);
  table
      .Add(
          "position_grid",
          &Options::position_grid,
          "Grid that positions are read from: the input's own, or that of the configured crop size "
          "as transformers does (the same for inputs of that size).")
      .Choices({"input", "crop"});
  return table;
}

class Vjepa2 : public vit::VitTeacher {
 public:
  Vjepa2(const Options& options, const PluginContext& context)
      : Vjepa2(options, context, tensorio::Checkpoint::Open(options.weights)) {}

 private:
  using Weights = std::shared_ptr<const tensorio::Checkpoint>;
  Vjepa2(const Options& options, const PluginContext& context, const Weights& weights)
      : VitTeacher(vjepa2::LoadModel(tensorio::Source<vit::WeightSource>(weights),
                                     weights->folder(),
                                     options.position_grid == "crop" ? vjepa2::PositionGrid::kCrop
                                                                     : vjepa2::PositionGrid::kInput,
                                     vit::PlacementOf(options, context)),
                   vit::ReadNormalisation(weights->folder()),
                   options.memory_gb,
                   weights->Fingerprint(),
                   context.threads) {}
};

}  // namespace

CROSS4D_PLUGIN(teacher,
               Teacher,
               "vjepa2",
               "1.1.0",
               "V-JEPA 2 video model (encoder).",
               "video-input",
               "",
               Vjepa2,
               DescribeOptions)
