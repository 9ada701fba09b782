// SPDX-License-Identifier: Apache-2.0
#include "core/data/in_context.h"
#include "core/plugin/load.h"
#include "core/tensorio/torch_view.h"
#include "core/train/checkpoint.h"
#include "core/worker/command.h"
#include "core/worker/command_line.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/teacher.h>

#include <ATen/Parallel.h>

#include <cstdio>

namespace cross4d::worker {
namespace {

torch::Tensor ReadFrames(const std::string& path) {
  torch::Tensor frames =
      tensorio::View(tensorio::SafetensorsFile::Open(path), "pixel_values").to(torch::kFloat32);
  if (frames.dim() == 4) frames = frames.unsqueeze(1);
  if (frames.dim() != 5 || frames.size(2) != 3) {
    FailInput(path + ": pixel_values must be [B, T, 3, H, W], or [B, 3, H, W] for single frames");
  }
  return frames.contiguous();
}

}  // namespace

int TeacherEncode(const std::vector<std::string>& arguments) {
  CLI::App app("Patch tokens of given frames", "cross4d-worker teacher");
  CLI::App* encode = app.add_subcommand("encode",
                                        "Reads pixel_values [B, T, 3, H, W] (normalised as the "
                                        "teacher wants) from a safetensors file, "
                                        "writes patch_tokens [B, T', Gh, Gw, D]");
  app.require_subcommand(1);
  PluginRequest request;
  std::string input, output;
  AddPluginArguments(encode, &request);
  encode->add_option("--input", input, "safetensors file with pixel_values")->required();
  encode->add_option("--output", output, "safetensors file to write")->required();
  if (const auto code = ParseArguments(&app, arguments)) return *code;

  const torch::NoGradGuard no_grad;
  const base::PluginDescription plugin = FindPlugin("teacher", request);
  const int threads = ThreadCount(request);
  at::set_num_threads(threads);
  PluginContext context;
  context.threads = threads;
  context.log = [](std::string_view text) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
  };
  const torch::Tensor frames = ReadFrames(input);
  const auto teacher = plugin::CreateTeacher(
      plugin::Load(plugin), ParseSettings(plugin.options, request.settings), context);
  const torch::Tensor tokens = data::InContext(
      "teacher " + plugin.name, [&] { return teacher->Encode(frames).contiguous(); });
  train::SaveTensors(output, {{"patch_tokens", tokens}}, {}, /*sync=*/false);
  std::string shape;
  for (std::int64_t side : tokens.sizes())
    shape += (shape.empty() ? "" : " x ") + std::to_string(side);
  std::printf("%s: patch_tokens %s\n", output.c_str(), shape.c_str());
  return 0;
}

}  // namespace cross4d::worker
