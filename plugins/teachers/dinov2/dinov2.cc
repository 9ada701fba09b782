// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/checkpoint_torch.h"
#include "core/vit/vit_teacher.h"

#include <cross4d/sdk/plugin.h>
#include <cross4d/sdk/teacher.h>

#include "model.h"

namespace {

using namespace cross4d;

struct Options : vit::TeacherOptions {};

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> table;
  vit::AddTeacherOptions(table);
  return table;
}

class Dinov2 : public vit::VitTeacher {
 public:
  Dinov2(const Options& options, const PluginContext& context)
      : Dinov2(options, context, tensorio::Checkpoint::Open(options.weights)) {}

 private:
  using Weights = std::shared_ptr<const tensorio::Checkpoint>;
  Dinov2(const Options& options, const PluginContext& context, const Weights& weights)
      : VitTeacher(dinov2::LoadModel(tensorio::Source<vit::WeightSource>(weights),
                                     weights->folder(),
                                     vit::PlacementOf(options, context)),
                   vit::ReadNormalisation(weights->folder()),
                   options.memory_gb,
                   weights->Fingerprint(),
                   context.threads) {}
};

}  // namespace

CROSS4D_PLUGIN(teacher,
               Teacher,
               "dinov2",
               "1.1.0",
               "DINOv2 image model, with and without registers.",
               "frame-tokens",
               "",
               Dinov2,
               DescribeOptions)
