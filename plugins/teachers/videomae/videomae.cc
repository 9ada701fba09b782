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

class VideoMae : public vit::VitTeacher {
 public:
  VideoMae(const Options& options, const PluginContext& context)
      : VideoMae(options, context, tensorio::Checkpoint::Open(options.weights)) {}

 private:
  using Weights = std::shared_ptr<const tensorio::Checkpoint>;
  VideoMae(const Options& options, const PluginContext& context, const Weights& weights)
      : VitTeacher(videomae::LoadModel(tensorio::Source<vit::WeightSource>(weights),
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
               "videomae",
               "1.1.0",
               "VideoMAE and VideoMAEv2 video models.",
               "video-input",
               "",
               VideoMae,
               DescribeOptions)
