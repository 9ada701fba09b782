// SPDX-License-Identifier: Apache-2.0
// docs/load_encoder.py reads an encoder and finds the stored embeddings again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

using nlohmann::json;

std::string Python() {
  const char* given = std::getenv("CROSS4D_PYTHON");
  return given != nullptr ? given : "python3";
}

Result Shell(const Place& place, const std::string& command) {
  base::ChildProcess::Options options;
  options.arguments = {"/bin/sh", "-c", command};
  options.stderr_file = (place / "python.err").string();
  base::ChildProcess child(options);
  return place.Wait(child, "python");
}

TEST(LoadEncoderTest, ThePythonExampleFindsTheStoredEmbeddings) {
  const Place place;
  if (!Shell(place, Python() + " -c 'import numpy, safetensors'").Ok()) {
    GTEST_SKIP() << "no Python with numpy and safetensors; CROSS4D_PYTHON names one";
  }
  const std::string script =
      std::string(std::getenv("CROSS4D_SOURCE_DIR")) + "/docs/load_encoder.py";
  const std::vector<std::string> variants = {"position = \"xyzt\"",
                                             "position = \"xyz\"\nabsolute_xyz = false"};
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const std::string name = "variant" + std::to_string(i);
    const std::string store = (place / (name + ".store")).string();
    const std::string db = (place / (name + ".db")).string();
    const std::string file = place.Write(
        "tiny.toml", TinyExperiment("tiny", 1) + "[student.point4d]\n" + variants[i] + "\n");
    const Result run =
        place.Run({"run", file, "--store", store, "--db", db, "--set", "objective.plugin=dense"});
    ASSERT_TRUE(run.Ok()) << run.err;
    std::string folders;
    for (const char* kind : {"encoder", "tokens", "embeddings"}) {
      const std::string query =
          "SELECT key FROM stage_summary WHERE kind = '" + std::string(kind) + "'";
      const json found = place.Run({"sql", "--json", query, "--db", db}).Json();
      const std::string key = found[0].at("key");
      folders += " '" + store + "/stages/" + key.substr(0, 2) + "/" + key + "/artifact'";
    }
    const Result python = Shell(place, Python() + " '" + script + "'" + folders);
    EXPECT_TRUE(python.Ok()) << python.out << python.err;
    EXPECT_THAT(python.out, testing::HasSubstr("largest relative difference"));
    EXPECT_THAT(python.out, testing::HasSubstr("block1.attention.qkv.weight"));
  }
}

}  // namespace
}  // namespace cross4d::e2e
