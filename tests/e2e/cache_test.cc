// SPDX-License-Identifier: Apache-2.0
// cross4d cache ls, verify and gc on real stores: real damage, several databases.
#include "core/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

fs::path Find(const fs::path& folder, const std::string& name) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().filename() == name) return entry.path();
  }
  ADD_FAILURE() << "no " << name << " below " << folder;
  return {};
}

void FlipBit(const fs::path& file) {
  std::string bytes = base::ReadFile(file);
  bytes[bytes.size() / 2] ^= 4;
  base::WriteFileAtomically(file, bytes);
}

TEST(CacheTest, ListsWhatLiesThereAndWhoNeedsIt) {
  const Place place;
  ASSERT_TRUE(place.Run({"run", place.Write("x.toml", TinyExperiment("tiny", 2))}).Ok());
  const Result text = place.Run({"cache", "ls"});
  EXPECT_TRUE(text.Ok()) << text.err;
  EXPECT_THAT(text.out, testing::ContainsRegex("features .*kB .*tiny: 4 runs"));
  EXPECT_THAT(text.out, testing::ContainsRegex("tokens .*tiny: 6 runs"));
  const json stages = place.Run({"cache", "ls", "--json"}).Json().at("stages");
  std::map<std::string, int> kinds;
  for (const json& stage : stages) {
    ++kinds[stage.at("kind")];
    EXPECT_EQ(stage.at("state"), "done");
    EXPECT_GT(stage.at("bytes"), 100);
    EXPECT_LT(stage.at("age_s"), 600);
    EXPECT_EQ(stage.at("key").get<std::string>().size(), 32u);
    ASSERT_FALSE(stage.at("runs").empty());
    EXPECT_EQ(stage.at("runs")[0].at("experiment"), "tiny");
  }
  const std::map<std::string, int> expected = {{"tokens", 1},
                                               {"features", 1},
                                               {"targets", 1},
                                               {"encoder", 6},
                                               {"embeddings", 6},
                                               {"evaluation", 12}};
  EXPECT_EQ(kinds, expected);
  EXPECT_EQ(place.Run({"cache", "ls", "--store", "nowhere"}).status.code, 2);
}

TEST(CacheTest, VerifyNamesEveryDamagedFileAndARunRepairsThem) {
  const Place place;
  const std::string file = place.Write("x.toml", TinyExperiment("tiny", 1));
  const Result whole = place.Run({"run", file});
  ASSERT_TRUE(whole.Ok()) << whole.err;
  const Result intact = place.Run({"cache", "verify"});
  EXPECT_TRUE(intact.Ok());
  EXPECT_THAT(intact.out, HasSubstr("15 artifacts intact, 0 damaged"));

  const fs::path store = place / "store";
  const fs::path features = Find(store, "features.safetensors");
  const fs::path targets = Find(store, "targets.safetensors");
  const fs::path clips = Find(store, "tokens.safetensors").parent_path() / "clips.json";
  const fs::path model = Find(store, "model.safetensors");
  FlipBit(features);
  fs::resize_file(targets, fs::file_size(targets) - 1);
  fs::remove(clips);
  fs::remove(model.parent_path() / "manifest.json");
  const Result damaged = place.Run({"cache", "verify"});
  EXPECT_EQ(damaged.status.code, 1);
  EXPECT_THAT(damaged.out, HasSubstr(features.string() + ": has SHA-256"));
  EXPECT_THAT(damaged.out, HasSubstr(targets.string() + ": has "));
  EXPECT_THAT(damaged.out, HasSubstr(clips.string() + ": missing"));
  EXPECT_THAT(damaged.out, HasSubstr((model.parent_path() / "manifest.json").string()));
  EXPECT_THAT(damaged.out, HasSubstr("11 artifacts intact, 4 damaged"));

  // As it says: without the damaged folders, a run that needs them makes them again.
  for (const fs::path& artifact : {features, targets, clips, model}) {
    fs::remove_all(artifact.parent_path());
  }
  fs::remove_all(Find(store, "embeddings.safetensors").parent_path());
  EXPECT_EQ(place.Run({"run", file}).out, whole.out);
  EXPECT_TRUE(place.Run({"cache", "verify"}).Ok());
}

TEST(CacheTest, AManifestThatWasRewrittenIsFoundByTheDatabase) {
  const Place place;
  ASSERT_TRUE(place.Run({"run", place.Write("x.toml", NoopExperiment("noop", 1, 1))}).Ok());
  const fs::path manifest = Find(place / "store", "manifest.json");
  base::WriteFileAtomically(manifest, base::ReadFile(manifest) + " ");
  const Result damaged = place.Run({"cache", "verify"});
  EXPECT_EQ(damaged.status.code, 1);
  EXPECT_THAT(damaged.out, HasSubstr("the database says"));
}

class GcTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(place_.Run({"run", first_}).Ok());
    ASSERT_TRUE(place_.Run({"run", second_, "--db", other_}).Ok());
  }
  std::size_t Stages() const {
    return place_.Run({"cache", "ls", "--json"}).Json().at("stages").size();
  }

  const Place place_;
  const std::string first_ = place_.Write("a.toml", NoopExperiment("a", 2, 1));
  const std::string second_ = place_.Write("b.toml", NoopExperiment("b", 3, 1));
  const std::string other_ = (place_ / "other.db").string();
};

TEST_F(GcTest, KeepsWhatAnyRegisteredDatabaseNeeds) {
  const std::size_t stages = Stages();
  const Result gc = place_.Run({"cache", "gc", "--yes"});
  EXPECT_TRUE(gc.Ok()) << gc.err;
  EXPECT_THAT(gc.out, HasSubstr("removed 0 entries"));
  EXPECT_EQ(Stages(), stages);
}

TEST_F(GcTest, RefusesWhileADatabaseCannotBeRead) {
  const std::size_t stages = Stages();
  const std::string bytes = base::ReadFile(other_);
  fs::remove(other_);
  const Result gone = place_.Run({"cache", "gc", "--yes"});
  EXPECT_EQ(gone.status.code, 2);
  EXPECT_THAT(gone.err, HasSubstr(other_));
  EXPECT_THAT(gone.err, HasSubstr("gc removes nothing"));
  base::WriteFileAtomically(other_, std::string(4096, 'x'));
  EXPECT_NE(place_.Run({"cache", "gc", "--yes"}).status.code, 0);
  EXPECT_EQ(Stages(), stages);
  base::WriteFileAtomically(other_, bytes);
  EXPECT_TRUE(place_.Run({"cache", "gc"}).Ok());
}

TEST_F(GcTest, SaysFirstAndRemovesOnlyWhenTold) {
  const std::size_t stages = Stages();
  const Result refusal = [&] {
    fs::remove(other_);
    return place_.Run({"cache", "gc"});
  }();
  // The message names the file that makes the store forget the database.
  const std::size_t at = refusal.err.find("remove /");
  ASSERT_NE(at, std::string::npos) << refusal.err;
  const std::string path = refusal.err.substr(at + 7);
  fs::remove(path.substr(0, path.find_first_of(" \n")));

  const Result dry = place_.Run({"cache", "gc"});
  EXPECT_TRUE(dry.Ok()) << dry.err;
  EXPECT_THAT(dry.out, HasSubstr("no recorded run needs it"));
  EXPECT_THAT(dry.out, HasSubstr("would remove 3 entries"))
      << "one encoder, embeddings and probe of b; the others are those of a\n"
      << dry.out;
  EXPECT_EQ(Stages(), stages);
  const Result gc = place_.Run({"cache", "gc", "--yes"});
  EXPECT_TRUE(gc.Ok()) << gc.err;
  EXPECT_THAT(gc.out, HasSubstr("removed 3 entries"));
  EXPECT_EQ(Stages(), stages - 3);
  const Result again = place_.Run({"run", first_});
  EXPECT_THAT(again.err, HasSubstr("0 stages executed"));
  place_.ExpectHealthy();
}

}  // namespace
}  // namespace cross4d::e2e
