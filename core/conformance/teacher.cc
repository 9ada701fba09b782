// SPDX-License-Identifier: Apache-2.0
#include "core/conformance/suite.h"
#include "core/plugin/load.h"

#include <cross4d/sdk/random.h>
#include <cross4d/sdk/tags.h>
#include <cross4d/sdk/teacher.h>

#include <torch/utils.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace cross4d::conformance {
namespace {

/// Smooth blobs that move: [T, 3, H, W], roughly normalised.
torch::Tensor MadeUpFrames(std::int64_t frames, std::int64_t side, std::int64_t seed) {
  RandomStream random(MixSeed({static_cast<std::uint64_t>(seed), 0xf4a3e}));
  const torch::Tensor axis = torch::arange(side, torch::kFloat) / static_cast<double>(side);
  torch::Tensor clip = torch::zeros({frames, 3, side, side});
  for (int blob = 0; blob < 3; ++blob) {
    const double x = random.Uniform(), y = random.Uniform(), dx = random.Uniform(-0.05, 0.05);
    for (std::int64_t t = 0; t < frames; ++t) {
      const torch::Tensor column =
          (axis - x - dx * static_cast<double>(t)).square().neg().mul(40).exp();
      const torch::Tensor row = (axis - y).square().neg().mul(40).exp();
      clip[t] += row.unsqueeze(1) * column.unsqueeze(0);
    }
  }
  return clip;
}

class MadeUpSource final : public FrameSource {
 public:
  MadeUpSource(std::int64_t frames, std::int64_t side) : frames_(frames), side_(side) {}
  std::int64_t size() const override { return 6; }
  torch::Tensor At(std::int64_t i) const override { return MadeUpFrames(frames_, side_, 100 + i); }

 private:
  std::int64_t frames_, side_;
};

struct Sizes {
  std::int64_t frames = 0, side = 0;
};

Sizes SizesFor(const TeacherTraits& traits) {
  const std::int64_t patch = std::max<std::int64_t>(1, traits.patch);
  const std::int64_t patches = std::max<std::int64_t>(4, (63 + patch) / patch);
  return {traits.frames > 0 ? traits.frames : 4 * std::max<std::int64_t>(1, traits.tubelet),
          patches * patch};
}

std::string CheckTraits(const Suite& suite, const TeacherTraits& traits) {
  if (traits.dim <= 0 || traits.patch <= 0 || traits.tubelet <= 0 || traits.frames < 0) {
    return "dim, patch and tubelet must be positive, frames 0 or more";
  }
  if (traits.frames % traits.tubelet != 0) return "frames is no multiple of tubelet";
  for (const double s : traits.std) {
    if (!(s > 0)) return "std of the normalisation must be positive";
  }
  if (suite.plugin.Provides(tags::kFrameTokens) && traits.tubelet != 1) {
    return "the tag frame-tokens says one token row per frame, but tubelet is " +
           std::to_string(traits.tubelet);
  }
  if (traits.tubelet != 1 && !suite.plugin.Provides(tags::kVideoInput)) {
    return "tubelet is " + std::to_string(traits.tubelet) + ", so the tag video-input is missing";
  }
  return "";
}

std::unique_ptr<Teacher> Fitted(const Suite& suite, const Sizes& sizes) {
  auto teacher = plugin::CreateTeacher(suite.record, suite.settings.options, suite.context());
  if (teacher->needs_fit()) teacher->Fit(MadeUpSource(sizes.frames, sizes.side));
  return teacher;
}

std::string CheckTokens(Teacher& teacher, const torch::Tensor& frames) {
  const TeacherTraits traits = teacher.traits();
  const torch::Tensor tokens = teacher.Encode(frames);
  if (tokens.requires_grad()) return "the tokens require a gradient";
  const std::int64_t rows = frames.size(3) / traits.patch, columns = frames.size(4) / traits.patch;
  const std::vector<std::int64_t> shape = {
      frames.size(0), frames.size(1) / traits.tubelet, rows, columns, traits.dim};
  return CheckTensor("tokens", tokens.contiguous(), torch::kFloat, shape);
}

std::string IndependentOfTheBatch(Teacher& teacher, const torch::Tensor& frames) {
  const double difference = RelativeDifference(teacher.Encode(frames.narrow(0, 1, 1)),
                                               teacher.Encode(frames).narrow(0, 1, 1));
  // Matrix products may sum in another order for another batch.
  return difference < 1e-4 ? "" : "alone and in a batch differ by " + std::to_string(difference);
}

}  // namespace

void CheckTeacher(Suite& suite) {
  std::unique_ptr<Teacher> teacher, again;
  Sizes sizes;
  suite.Run("it can be created and its traits are sound", [&] {
    const auto probe = plugin::CreateTeacher(suite.record, suite.settings.options, suite.context());
    sizes = SizesFor(probe->traits());
    return CheckTraits(suite, probe->traits());
  });
  if (!suite.report.findings.back().text.empty()) return;
  suite.Run("it can be fitted twice", [&]() -> std::string {
    teacher = Fitted(suite, sizes);
    torch::manual_seed(12345);  // the run seed must not matter
    again = Fitted(suite, sizes);
    return "";
  });
  if (again == nullptr) return;
  const torch::Tensor frames = torch::stack(
      {MadeUpFrames(sizes.frames, sizes.side, 1), MadeUpFrames(sizes.frames, sizes.side, 2)});
  suite.Run("tokens have the right shape and type", [&] { return CheckTokens(*teacher, frames); });
  suite.Run("two calls give the same bytes", [&]() -> std::string {
    return SameBytes(teacher->Encode(frames), teacher->Encode(frames)) ? "" : "the tokens differ";
  });
  suite.Run("two teachers of the same data give the same bytes", [&]() -> std::string {
    return SameBytes(teacher->Encode(frames), again->Encode(frames)) ? "" : "the tokens differ";
  });
  suite.Run("a clip's tokens do not depend on the batch",
            [&] { return IndependentOfTheBatch(*teacher, frames); });
  suite.Run("other frames give other tokens", [&]() -> std::string {
    const torch::Tensor tokens = teacher->Encode(frames);
    return SameBytes(tokens[0], tokens[1]) ? "two different clips have the same tokens" : "";
  });
  const TeacherTraits traits = teacher->traits();
  suite.report.figures.push_back("dim " + std::to_string(traits.dim) + ", patch " +
                                 std::to_string(traits.patch) + " px, tubelet " +
                                 std::to_string(traits.tubelet));
}

}  // namespace cross4d::conformance
