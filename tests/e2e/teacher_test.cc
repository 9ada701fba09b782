// SPDX-License-Identifier: Apache-2.0
// `cross4d teacher` on the tiny models of goldens/open, as a user calls it.
#include "core/tensorio/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

fs::path Case(const std::string& name) {
  const char* data = std::getenv("CROSS4D_TEST_DATA");
  return fs::path(data == nullptr ? "" : data) / "goldens" / "open" / name;
}

struct Tensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

Tensor Read(const fs::path& path, const std::string& name) {
  const auto file = tensorio::SafetensorsFile::Open(path.string());
  const auto bytes = file->Bytes(file->Get(name));
  Tensor tensor{file->Get(name).shape, std::vector<float>(bytes.size() / sizeof(float))};
  std::memcpy(tensor.values.data(), bytes.data(), bytes.size());
  return tensor;
}

void ExpectNear(const fs::path& actual, const fs::path& expected, const std::string& name) {
  const Tensor a = Read(actual, name), b = Read(expected, name);
  ASSERT_EQ(a.shape, b.shape) << name;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    ASSERT_LE(std::abs(a.values[i] - b.values[i]), 5e-5 + 1e-5 * std::abs(b.values[i])) << name;
  }
}

struct Golden {
  std::string folder, plugin;
};

class TeacherCommand : public ::testing::TestWithParam<Golden> {
 protected:
  void SetUp() override {
    if (!fs::exists(Case(GetParam().folder))) GTEST_SKIP() << "no goldens/open";
  }
  Place place_;
};

TEST_P(TeacherCommand, EncodeWritesHiddenStateAndPatchTokens) {
  const fs::path golden = Case(GetParam().folder), output = place_ / "out.safetensors";
  const Result result = place_.Run({"teacher",
                                    "encode",
                                    "--plugin",
                                    GetParam().plugin,
                                    "--weights",
                                    golden.string(),
                                    "--input",
                                    (golden / "input.safetensors").string(),
                                    "--output",
                                    output.string(),
                                    "--threads",
                                    "1"});
  ASSERT_TRUE(result.Ok()) << result.err;
  ExpectNear(output, golden / "expected.safetensors", "last_hidden_state");
  ExpectNear(output, golden / "expected.safetensors", "patch_tokens");
}

TEST_P(TeacherCommand, CheckSaysThatATinyModelIsNoPublishedOne) {
  const Result result = place_.Run({"teacher",
                                    "check",
                                    "--plugin",
                                    GetParam().plugin,
                                    "--weights",
                                    Case(GetParam().folder).string()});
  EXPECT_THAT(result.out, HasSubstr("the counts of no published model")) << result.err;
  EXPECT_THAT(result.out, HasSubstr("passed  outputs are finite"));
}

INSTANTIATE_TEST_SUITE_P(Families,
                         TeacherCommand,
                         ::testing::Values(Golden{"dinov2_a", "dinov2"},
                                           Golden{"dinov2_reg_a", "dinov2"},
                                           Golden{"dinov3_a", "dinov3"},
                                           Golden{"vjepa2_a", "vjepa2"},
                                           Golden{"videomae_public_a", "videomae"},
                                           Golden{"videomaev2_a", "videomae"}),
                         [](const auto& info) { return info.param.folder; });

TEST(TeacherErrors, NameTheTeacherAndTheFile) {
  const Place place;
  const Result unknown = place.Run({"teacher", "check", "--plugin", "dinov22"});
  EXPECT_EQ(unknown.status.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean dinov2?"));
  const Result nowhere =
      place.Run({"teacher", "check", "--plugin", "dinov2", "--weights", "/none"});
  EXPECT_EQ(nowhere.status.code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("/none"));
}

Result Refused(const Place& place, const std::string& plugin, const fs::path& weights) {
  Result result =
      place.Run({"teacher", "check", "--plugin", plugin, "--weights", weights.string()});
  EXPECT_EQ(result.status.code, 2) << weights << result.err;
  EXPECT_EQ(result.out, "") << weights;
  EXPECT_THAT(result.err, HasSubstr(weights.filename().string()));
  return result;
}

TEST(TeacherErrors, EveryDamagedCheckpointIsRefusedByName) {
  const fs::path edge = Case("safetensors_edge");
  if (!fs::exists(edge)) GTEST_SKIP() << "no goldens/open";
  const Place place;
  std::ifstream in(edge / "edge.json");
  const auto edges = nlohmann::json::parse(in);
  int refused = 0;
  for (const auto& entry : edges["cases"]) {
    if (entry["must"] != "error") continue;
    std::string file = entry["file"];
    if (file.ends_with('/')) file.pop_back();
    Refused(place, "dinov2", edge / file);
    ++refused;
  }
  EXPECT_GE(refused, 48);
}

TEST(TeacherErrors, SayWhatDoesNotFit) {
  const fs::path bad = Case("safetensors_edge") / "bad";
  if (!fs::exists(bad)) GTEST_SKIP() << "no goldens/open";
  const Place place;
  EXPECT_THAT(Refused(place, "dinov2", bad / "tensor_missing").err,
              HasSubstr("model.safetensors: has no tensor 'encoder.layer.1.mlp.fc2.weight' of "
                        "shape [8, 16], which its configuration calls for"));
  EXPECT_THAT(Refused(place, "dinov2", bad / "tensor_wrong_shape").err,
              HasSubstr("'encoder.layer.0.attention.attention.query.weight' has the shape [8, 4], "
                        "its configuration calls for [8, 8]"));
  const Result encode = place.Run({"teacher",
                                   "encode",
                                   "--plugin",
                                   "dinov2",
                                   "--weights",
                                   (bad / "config_more_layers").string(),
                                   "--input",
                                   (Case("dinov2_a") / "input.safetensors").string(),
                                   "--output",
                                   (place / "out.safetensors").string()});
  EXPECT_EQ(encode.status.code, 2);
  EXPECT_THAT(encode.err, HasSubstr("has no tensor 'encoder.layer.2."));
  EXPECT_FALSE(fs::exists(place / "out.safetensors"));
}

TEST(TeacherErrors, NewerVJepaIsRefusedWithTheReason) {
  if (!fs::exists(Case("vjepa2_a"))) GTEST_SKIP() << "no goldens/open";
  const Place place;
  const fs::path folder = place / "vjepa21";
  fs::copy(Case("vjepa2_a"), folder);
  std::ifstream in(folder / "config.json");
  auto config = nlohmann::json::parse(in);
  config["use_rope_interleave"] = true;
  fs::permissions(folder / "config.json", fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(folder / "config.json") << config;
  EXPECT_THAT(Refused(place, "vjepa2", folder).err,
              HasSubstr("use_rope_interleave is set: this is a V-JEPA 2.1 checkpoint, whose rotary "
                        "rule and tensors differ; only V-JEPA 2 is supported"));
}

TEST(TeacherErrors, PickleWithAForeignGlobalIsRefusedByName) {
  const fs::path source = std::getenv("CROSS4D_SOURCE_DIR");
  const Place place;
  EXPECT_THAT(Refused(place, "videomae", source / "tests/unit/tensorio/fixtures/foreign.pth").err,
              HasSubstr("posix.system"));
}

}  // namespace
}  // namespace cross4d::e2e
