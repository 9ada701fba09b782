// SPDX-License-Identifier: Apache-2.0
#include "load_weights.h"

#include "core/tensorio/checkpoint_torch.h"
#include "core/vit/weights.h"

#include <torch/utils.h>

namespace cross4d::p4transformer {

void LoadOfficialWeights(torch::nn::Module& encoder,
                         const std::string& path,
                         const std::string& anchor,
                         const std::string& head) {
  vit::WeightReader reader(tensorio::Source<vit::WeightSource>(tensorio::Checkpoint::Open(path)),
                           {"model.module.", "model.", "module.", ""},
                           anchor);
  const torch::NoGradGuard no_grad;
  for (auto& item : encoder.named_parameters())
    item.value().copy_(reader.View(item.key(), item.value().sizes()));
  for (auto& item : encoder.named_buffers()) {
    if (item.key().ends_with(".num_batches_tracked")) {
      reader.Ignore({item.key()});
    } else {
      item.value().copy_(reader.View(item.key(), item.value().sizes()));
    }
  }
  reader.Ignore({head});
  reader.Finish();
}

}  // namespace cross4d::p4transformer
