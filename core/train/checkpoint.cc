// SPDX-License-Identifier: Apache-2.0
#include "core/train/checkpoint.h"

#include "core/base/file.h"
#include "core/tensorio/torch_view.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <utility>

namespace cross4d::train {
namespace {

using nlohmann::json;

constexpr const char* kFile = "state.safetensors";
constexpr const char* kProgress = "progress";

std::string ToText(const TrainProgress& p) {
  json curve = json::array();
  for (const CurvePoint& point : p.curve) curve.push_back({point.name, point.epoch, point.value});
  return json{{"step", p.step},
              {"seconds", p.seconds},
              {"loss_sum", p.loss_sum},
              {"monitor_sums", p.monitor_sums},
              {"curve", curve}}
      .dump();
}

TrainProgress FromText(const std::string& text) {
  const json in = json::parse(text);
  TrainProgress p;
  in.at("step").get_to(p.step);
  in.at("seconds").get_to(p.seconds);
  in.at("loss_sum").get_to(p.loss_sum);
  in.at("monitor_sums").get_to(p.monitor_sums);
  for (const json& point : in.at("curve")) {
    p.curve.push_back({point.at(0).get<std::string>(),
                       point.at(1).get<std::int64_t>(),
                       point.at(2).get<double>()});
  }
  return p;
}

NamedTensors AllState(const torch::nn::Module& student,
                      const torch::nn::Module& objective,
                      FlatParameters& parameters) {
  NamedTensors all;
  for (auto& [name, tensor] : StateOf(student)) all["student." + name] = tensor;
  for (auto& [name, tensor] : StateOf(objective)) all["objective." + name] = tensor;
  all["adamw.first"] = parameters.first_moment();
  all["adamw.second"] = parameters.second_moment();
  return all;
}

}  // namespace

NamedTensors StateOf(const torch::nn::Module& module) {
  NamedTensors state;
  for (const auto& item : module.named_parameters()) state[item.key()] = item.value().detach();
  for (const auto& item : module.named_buffers()) state[item.key()] = item.value();
  return state;
}

void SaveTensors(const std::filesystem::path& path,
                 const NamedTensors& tensors,
                 const std::map<std::string, std::string>& metadata,
                 bool sync) {
  std::vector<tensorio::TensorDecl> decls;
  for (const auto& [name, tensor] : tensors) decls.push_back(tensorio::Declare(name, tensor));
  tensorio::SafetensorsWriter writer(path, std::move(decls), metadata);
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor contiguous = tensor.contiguous();
    writer.Write(name, tensorio::BytesOf(contiguous));
  }
  writer.Finish(sync);
}

void LoadTensors(const std::filesystem::path& path,
                 const NamedTensors& tensors,
                 const std::string& prefix) {
  const torch::NoGradGuard no_grad;
  const auto file = tensorio::SafetensorsFile::Open(path);
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor stored = tensorio::View(file, prefix + name);
    if (stored.sizes() != tensor.sizes() || stored.scalar_type() != tensor.scalar_type()) {
      FailInput(file->path() + ": tensor '" + prefix + name +
                "' has another shape or dtype than the module expects; was it written by another "
                "version of the plugin?");
    }
    torch::Tensor target = tensor;
    target.copy_(stored);
  }
}

void SaveCheckpoint(const std::filesystem::path& folder,
                    const torch::nn::Module& student,
                    const torch::nn::Module& objective,
                    FlatParameters& parameters,
                    const TrainProgress& progress) {
  base::MakeFolders(folder);
  SaveTensors(folder / kFile,
              AllState(student, objective, parameters),
              {{kProgress, ToText(progress)}},
              /*sync=*/true);
}

bool LoadCheckpoint(const std::filesystem::path& folder,
                    torch::nn::Module& student,
                    torch::nn::Module& objective,
                    FlatParameters& parameters,
                    TrainProgress* progress) {
  const std::filesystem::path path = folder / kFile;
  if (!std::filesystem::exists(path)) return false;
  LoadTensors(path, AllState(student, objective, parameters));
  *progress = FromText(tensorio::SafetensorsFile::Open(path)->metadata().at(kProgress));
  return true;
}

}  // namespace cross4d::train
