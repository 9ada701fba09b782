// SPDX-License-Identifier: Apache-2.0
#include "core/data/in_context.h"
#include "core/plugin/load.h"
#include "core/tensorio/known_checkpoints.h"
#include "core/tensorio/torch_view.h"
#include "core/train/checkpoint.h"
#include "core/vit/linear.h"
#include "core/vit/sense_check.h"
#include "core/worker/command.h"
#include "core/worker/command_line.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/teacher.h>

#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace cross4d::worker {
namespace {

struct TeacherRequest {
  PluginRequest plugin;
  std::string weights, dtype, device = "cpu";
};

void AddTeacherArguments(CLI::App* app, TeacherRequest* request) {
  app->add_option("--plugin", request->plugin.name, "The teacher's name, or the path of its .so")
      ->required();
  app->add_option("--weights", request->weights, "Its checkpoint, as the option `weights`");
  app->add_option("--dtype",
                  request->dtype,
                  "fp32 or bf16, as the option `dtype`; auto: bf16 where it is fast")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}));
  app->add_option("--device", request->device, "cpu, cuda or cuda:N")->capture_default_str();
  AddSettingArguments(app, &request->plugin);
}

// The one place where the machine chooses: what this command writes is in no one's records.
std::string DtypeOf(const TeacherRequest& request) {
  if (request.dtype != "auto") return request.dtype;
  const bool fast = request.device != "cpu" || vit::CpuHasBfloat16();
  std::fprintf(
      stderr, "dtype %s: bf16 is %s here\n", fast ? "bf16" : "fp32", fast ? "fast" : "not fast");
  return fast ? "bf16" : "fp32";
}

std::unique_ptr<Teacher> MakeTeacher(const TeacherRequest& request) {
  const base::PluginDescription plugin = FindPlugin("teacher", request.plugin);
  std::vector<std::string> settings = request.plugin.settings;
  if (!request.weights.empty()) settings.push_back("weights=" + request.weights);
  if (!request.dtype.empty()) settings.push_back("dtype=" + DtypeOf(request));
  PluginContext context;
  context.threads = ThreadCount(request.plugin);
  context.device = request.device;
  context.log = [](std::string_view text) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
  };
  at::set_num_threads(context.threads);
  return plugin::CreateTeacher(
      plugin::Load(plugin), ParseSettings(plugin.options, settings), context);
}

std::string Shape(const torch::Tensor& tensor) {
  std::string text;
  for (const std::int64_t side : tensor.sizes()) {
    text += (text.empty() ? "" : " x ") + std::to_string(side);
  }
  return text;
}

torch::Tensor ReadPixels(const std::string& path) {
  const torch::Tensor pixels =
      tensorio::View(tensorio::SafetensorsFile::Open(path), "pixel_values").to(torch::kFloat32);
  if ((pixels.dim() != 4 && pixels.dim() != 5) || pixels.size(-3) != 3) {
    FailInput(path + ": pixel_values is " + Shape(pixels) +
              ", expected B x T x 3 x H x W, or B x 3 x H x W for single frames");
  }
  return pixels.contiguous();
}

// The patch tokens among those of the last layer, as Encode returns them: one pass, not two.
torch::Tensor PatchTokens(const torch::Tensor& hidden,
                          const torch::Tensor& frames,
                          std::int64_t patch) {
  const std::int64_t clips = frames.size(0), time = frames.size(1);
  const std::int64_t rows = frames.size(3) / patch, columns = frames.size(4) / patch;
  const bool by_frame = hidden.size(0) == clips * time;
  const std::int64_t steps = by_frame ? 1 : hidden.size(1) / (rows * columns);
  const std::int64_t tokens = steps * rows * columns;
  return hidden.narrow(1, hidden.size(1) - tokens, tokens)
      .reshape({clips, by_frame ? time : steps, rows, columns, hidden.size(2)})
      .contiguous();
}

int Encode(const TeacherRequest& request, const std::string& input, const std::string& output) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = ReadPixels(input);
  const bool single = pixels.dim() == 4;
  const torch::Tensor frames = single ? pixels.unsqueeze(1) : pixels;
  const auto teacher = MakeTeacher(request);
  const torch::Tensor hidden = data::InContext("teacher " + request.plugin.name, [&] {
    return teacher->EncodeHidden(frames).to(torch::kFloat32).contiguous();
  });
  torch::Tensor tokens = PatchTokens(hidden, frames, teacher->traits().patch);
  if (single) tokens = tokens.squeeze(1);
  train::SaveTensors(
      output, {{"last_hidden_state", hidden}, {"patch_tokens", tokens}}, {}, /*sync=*/false);
  std::printf("%s: last_hidden_state %s, patch_tokens %s\n",
              output.c_str(),
              Shape(hidden).c_str(),
              Shape(tokens).c_str());
  return 0;
}

bool Print(const vit::SenseCheck& check) {
  std::printf("%-6s  %s (%s)\n",
              check.passed ? "passed" : "FAILED",
              check.question.c_str(),
              check.detail.c_str());
  return check.passed;
}

void PrintCounts(const std::string& weights) {
  const auto checkpoint = tensorio::Checkpoint::Open(weights);
  const tensorio::KnownCheckpoint* known = tensorio::FindKnown(*checkpoint);
  std::printf("%s: %zu tensors, %llu parameters, %llu bytes: %s\n",
              checkpoint->path().c_str(),
              checkpoint->tensors().size(),
              static_cast<unsigned long long>(checkpoint->parameters()),
              static_cast<unsigned long long>(checkpoint->bytes()),
              known != nullptr ? known->name : "the counts of no published model");
}

// The side of the images that the model was trained on, as its config.json has it; else 224.
std::int64_t UsualSize(const std::string& weights) {
  const std::filesystem::path path = weights;
  const auto folder = std::filesystem::is_directory(path) ? path : path.parent_path();
  std::ifstream file(folder / "config.json");
  const auto config = nlohmann::json::parse(file, nullptr, false);
  for (const char* key : {"/image_size", "/crop_size", "/model_config/img_size"}) {
    const nlohmann::json::json_pointer at(key);
    if (!config.is_object() || !config.contains(at)) continue;
    const auto& value = config.at(at);
    if (value.is_number_integer()) return value.get<std::int64_t>();
  }
  return 224;
}

// Names and shapes are checked by loading; each tensor that misses or does not fit is an error.
int CheckTeacher(const TeacherRequest& request, std::int64_t size) {
  const torch::NoGradGuard no_grad;
  const auto teacher = MakeTeacher(request);
  if (!request.weights.empty() && !request.weights.ends_with(".pt")) PrintCounts(request.weights);
  const TeacherTraits traits = teacher->traits();
  std::printf("loaded: patch %lld, tubelet %lld, %lld channels\n",
              static_cast<long long>(traits.patch),
              static_cast<long long>(traits.tubelet),
              static_cast<long long>(traits.dim));
  if (size == 0) size = UsualSize(request.weights);
  const std::int64_t side = size / traits.patch * traits.patch;
  if (side < 2 * traits.patch) FailInput("--size: less than two patches");
  bool good = true;
  for (const vit::SenseCheck& check : vit::CheckSense(*teacher, side, side)) good &= Print(check);
  return good ? 0 : 1;
}

}  // namespace

int TeacherCommand(const std::vector<std::string>& arguments) {
  CLI::App app("Runs a teacher by itself", "cross4d teacher");
  TeacherRequest request;
  std::string input, output;
  std::int64_t size = 0;
  CLI::App* encode = app.add_subcommand(
      "encode",
      "Reads pixel_values [B, T, 3, H, W] or [B, 3, H, W] (normalised as the teacher wants) from a "
      "safetensors file; writes last_hidden_state [B, N, D] and patch_tokens [B, (T',) Gh, Gw, D]");
  AddTeacherArguments(encode, &request);
  encode->add_option("--input", input, "safetensors file with pixel_values")->required();
  encode->add_option("--output", output, "safetensors file to write")->required();
  CLI::App* check = app.add_subcommand(
      "check", "Loads a checkpoint, names the published model with its counts, and tries it");
  AddTeacherArguments(check, &request);
  check
      ->add_option(
          "--size", size, "Side of the square test images, in pixels; default: the model's own")
      ->check(CLI::Range(16, 2048));
  app.require_subcommand(1);
  if (const auto code = ParseArguments(&app, arguments)) return *code;
  return encode->parsed() ? Encode(request, input, output) : CheckTeacher(request, size);
}

}  // namespace cross4d::worker
