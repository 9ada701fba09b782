// SPDX-License-Identifier: Apache-2.0
#include "load_weights.h"

#include "core/tensorio/checkpoint.h"
#include "core/tensorio/torch_view.h"
#include "core/vit/weights.h"

#include <torch/utils.h>

#include <cstring>
#include <memory>

namespace cross4d::p4transformer {
namespace {

vit::WeightSource SourceOf(const std::shared_ptr<const tensorio::Checkpoint>& checkpoint) {
  vit::WeightSource source{checkpoint->path(), checkpoint->names(), nullptr};
  source.load = [checkpoint](const std::string& name) {
    const tensorio::CheckpointTensor& info = checkpoint->tensors().at(name);
    const tensorio::TensorBytes bytes = checkpoint->Read(name);
    const torch::Tensor tensor = torch::empty(info.shape, tensorio::ToScalarType(info.dtype));
    std::memcpy(tensor.data_ptr(), bytes.bytes.data(), tensor.nbytes());
    return tensor;
  };
  return source;
}

}  // namespace

void LoadOfficialWeights(torch::nn::Module& encoder,
                         const std::string& path,
                         const std::string& anchor,
                         const std::string& head) {
  vit::WeightReader reader(SourceOf(tensorio::Checkpoint::Open(path)),
                           {"model.module.", "model.", "module.", ""},
                           anchor);
  const torch::NoGradGuard no_grad;
  for (auto& item : encoder.named_parameters())
    item.value().copy_(reader.Float(item.key(), item.value().sizes()));
  for (auto& item : encoder.named_buffers()) {
    if (item.key().ends_with(".num_batches_tracked")) {
      reader.Ignore({item.key()});
    } else {
      item.value().copy_(reader.Float(item.key(), item.value().sizes()));
    }
  }
  reader.Ignore({head});
  reader.Finish();
}

}  // namespace cross4d::p4transformer
