// SPDX-License-Identifier: Apache-2.0
#include "core/eval/embeddings.h"

#include "core/data/in_context.h"
#include "core/data/sources.h"
#include "core/targets/rate.h"
#include "core/tensorio/torch_view.h"

#include <cross4d/sdk/error.h>

#include <numeric>

namespace cross4d::eval {
namespace {

constexpr std::int64_t kBatch = 8;

}  // namespace

void RunEmbeddings(Student& student,
                   const std::filesystem::path& tokens_folder,
                   const std::filesystem::path& out,
                   protocol::Reporter& reporter) {
  const torch::NoGradGuard no_grad;
  const data::TokenSource tokens(tokens_folder);
  const auto count = static_cast<std::int64_t>(tokens.table().clips.size());
  student.eval();
  tensorio::SafetensorsWriter writer(
      out / kEmbeddingsFile, {{"embeddings", tensorio::DType::kF32, {count, student.dim()}}});
  std::vector<torch::Tensor> all;
  targets::ClipRate rate("embed", count, reporter);
  for (std::int64_t begin = 0; begin < count; begin += kBatch) {
    protocol::ThrowIfStopped(reporter);
    std::vector<std::int64_t> rows(static_cast<std::size_t>(std::min(kBatch, count - begin)));
    std::iota(rows.begin(), rows.end(), begin);
    const torch::Tensor features =
        data::InContext("student", [&] { return student.Forward(tokens.Batch(rows)).features; });
    const auto batch = static_cast<std::int64_t>(rows.size());
    if (features.dim() != 3 || features.size(0) != batch || features.size(2) != student.dim() ||
        features.scalar_type() != torch::kFloat32) {
      throw Error(ErrorCode::kPlugin, "student's features must be float32 [B, L, C]");
    }
    const torch::Tensor means = features.mean(1).contiguous();
    if (!torch::isfinite(means).all().item<bool>()) {
      throw Error(ErrorCode::kPlugin,
                  "student's features are not finite in one of the clips " +
                      tokens.table().clips[static_cast<std::size_t>(begin)].id + " and following");
    }
    for (std::int64_t i = 0; i < batch; ++i) {
      writer.WriteRow("embeddings", begin + i, tensorio::BytesOf(means[i]));
    }
    all.push_back(means);
    rate.Done(begin + batch);
  }
  writer.Finish();
  data::WriteClipTable(out, tokens.table());
  reporter.Metric("clips", -1, static_cast<double>(count));
  // The raw probe depends on the features' scale.
  reporter.Metric("feature_std", -1, torch::cat(all).std(0, false).mean().item<double>());
}

}  // namespace cross4d::eval
