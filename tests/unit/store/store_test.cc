// SPDX-License-Identifier: Apache-2.0
#include "core/store/store.h"

#include "core/base/hash.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace cross4d::store {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kKey = "ab12cd34";
constexpr const char* kOther = "ab99ee00";

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string name = testing::TempDir() + "/cross4d-store-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~StoreTest() override { fs::remove_all(folder_); }

  static void Write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  fs::path MakeWork(const std::string& key, int attempt, const std::string& writer) {
    const fs::path work = store().Work(key, attempt, writer);
    Write(work / "weights.bin", "one two three");
    Write(work / "sub/labels.txt", "a b");
    return work;
  }
  Store store() const { return Store(folder_ / "store"); }

  fs::path folder_;
};

TEST_F(StoreTest, Layout) {
  const fs::path stage = folder_ / "store/stages/ab/ab12cd34";
  EXPECT_EQ(store().StageFolder(kKey), stage);
  EXPECT_EQ(store().Artifact(kKey), stage / "artifact");
  EXPECT_EQ(store().Checkpoint(kKey), stage / "checkpoint");
  EXPECT_EQ(store().Work(kKey, 3, "w1"), stage / "work.3.w1");
  EXPECT_EQ(store().Spool(kKey, 3, "w1"), stage / "events.3.w1.jsonl");
  EXPECT_THROW(store().StageFolder("../../etc"), Error);
  EXPECT_THROW(store().StageFolder(""), Error);
}

TEST_F(StoreTest, PublishedArtifactIsIntact) {
  const PublishResult result = Publish(MakeWork(kKey, 1, "w1"), store().Artifact(kKey));
  EXPECT_TRUE(result.published);
  EXPECT_EQ(result.manifest.bytes, 16);
  ASSERT_EQ(result.manifest.files.size(), 2u);
  EXPECT_EQ(result.manifest.files[0].name, "sub/labels.txt");
  EXPECT_EQ(result.manifest.files[1].sha256, base::Sha256Hex("one two three"));
  EXPECT_EQ(result.manifest.hash,
            base::Sha256File((store().Artifact(kKey) / "manifest.json").string()));
  EXPECT_TRUE(store().HasArtifact(kKey));
  EXPECT_FALSE(fs::exists(store().Work(kKey, 1, "w1")));
  EXPECT_EQ(ReadManifest(store().Artifact(kKey)).hash, result.manifest.hash);
  EXPECT_THAT(VerifyArtifact(store().Artifact(kKey)), IsEmpty());
}

TEST_F(StoreTest, HashDependsOnContentsOnly) {
  const auto first = Publish(MakeWork(kKey, 1, "w1"), store().Artifact(kKey));
  const auto second = Publish(MakeWork(kOther, 5, "w9"), store().Artifact(kOther));
  EXPECT_EQ(first.manifest.hash, second.manifest.hash);
  const fs::path third = MakeWork("cc00", 1, "w1");
  Write(third / "sub/labels.txt", "a c");
  EXPECT_NE(Publish(third, store().Artifact("cc00")).manifest.hash, first.manifest.hash);
}

TEST_F(StoreTest, SecondPublisherGetsTheFirstOnesArtifact) {
  const auto first = Publish(MakeWork(kKey, 1, "w1"), store().Artifact(kKey));
  const fs::path late = MakeWork(kKey, 2, "w2");
  Write(late / "weights.bin", "other bytes");
  const auto second = Publish(late, store().Artifact(kKey));
  EXPECT_FALSE(second.published);
  EXPECT_EQ(second.manifest.hash, first.manifest.hash);
  EXPECT_FALSE(fs::exists(late));
  EXPECT_THAT(VerifyArtifact(store().Artifact(kKey)), IsEmpty());
}

TEST_F(StoreTest, EveryDamageIsFound) {
  Publish(MakeWork(kKey, 1, "w1"), store().Artifact(kKey));
  const fs::path artifact = store().Artifact(kKey);
  Write(artifact / "extra", "x");
  EXPECT_THAT(VerifyArtifact(artifact), ElementsAre(HasSubstr("not in the manifest")));
  fs::remove(artifact / "extra");
  Write(artifact / "weights.bin", "one two thrEe");
  EXPECT_THAT(VerifyArtifact(artifact), ElementsAre(HasSubstr("SHA-256")));
  Write(artifact / "weights.bin", "one");
  EXPECT_THAT(VerifyArtifact(artifact), ElementsAre(HasSubstr("3 bytes")));
  fs::remove(artifact / "weights.bin");
  EXPECT_THAT(VerifyArtifact(artifact), ElementsAre(HasSubstr("missing")));
  Write(artifact / "manifest.json", "{ cut");
  EXPECT_THAT(VerifyArtifact(artifact), ElementsAre(HasSubstr("not a manifest")));
  fs::remove(artifact / "manifest.json");
  EXPECT_THAT(VerifyArtifact(artifact), ElementsAre(HasSubstr("manifest.json: missing")));
  EXPECT_THROW(ReadManifest(artifact), Error);
  EXPECT_FALSE(store().HasArtifact(kKey));
}

TEST_F(StoreTest, AManifestOtherThanTheRecordedOneIsDamage) {
  const auto published = Publish(MakeWork(kKey, 1, "w1"), store().Artifact(kKey));
  const fs::path artifact = store().Artifact(kKey);
  EXPECT_THAT(VerifyArtifact(artifact, {"beef", published.manifest.hash}), IsEmpty());
  EXPECT_THAT(VerifyArtifact(artifact, {"beef"}), ElementsAre(HasSubstr("the database says beef")));
}

TEST_F(StoreTest, RemoveArtifactMakesRoomForANewOne) {
  Publish(MakeWork(kKey, 1, "w1"), store().Artifact(kKey));
  Write(store().Checkpoint(kKey) / "state", "x");
  store().RemoveArtifact(kKey);
  EXPECT_FALSE(store().HasArtifact(kKey));
  EXPECT_FALSE(fs::exists(store().Checkpoint(kKey)));
  store().RemoveArtifact(kKey);  // nothing there: no error
  EXPECT_TRUE(Publish(MakeWork(kKey, 2, "w2"), store().Artifact(kKey)).published);
}

TEST_F(StoreTest, LeftWorkFoldersAreListedAndRemoved) {
  MakeWork(kKey, 1, "dead");
  MakeWork(kKey, 2, "live.2");
  MakeWork(kOther, 1, "dead");
  Write(store().StageFolder(kKey) / "work.x.odd/file", "not ours");
  const auto folders = store().WorkFolders();
  ASSERT_EQ(folders.size(), 3u);
  EXPECT_EQ(folders[1].attempt, 2);
  EXPECT_EQ(folders[1].writer, "live.2");
  EXPECT_EQ(store().RemoveLeftWork(kKey, "live.2"), 1);
  EXPECT_TRUE(fs::exists(store().Work(kKey, 2, "live.2")));
  EXPECT_FALSE(fs::exists(store().Work(kKey, 1, "dead")));
  EXPECT_TRUE(fs::exists(store().Work(kOther, 1, "dead")));
  EXPECT_EQ(store().RemoveLeftWork("ffff"), 0);
}

TEST_F(StoreTest, DatabasesAreRegisteredOnce) {
  EXPECT_THAT(store().Databases(), IsEmpty());
  store().RegisterDatabase(folder_ / "b.db");
  store().RegisterDatabase(folder_ / "x/../b.db");
  store().RegisterDatabase(folder_ / "a.db");
  EXPECT_THAT(store().Databases(), ElementsAre(folder_ / "a.db", folder_ / "b.db"));
  store().ForgetDatabase(folder_ / "a.db");
  EXPECT_THAT(store().Databases(), ElementsAre(folder_ / "b.db"));
}

TEST_F(StoreTest, CollectKeepsWhatAnyDatabaseNeeds) {
  for (const char* key : {"aa01", "bb02", "cc03"})
    Publish(MakeWork(key, 1, "w"), store().Artifact(key));
  for (const char* name : {"one.db", "two.db"}) {
    Write(folder_ / name, "");
    store().RegisterDatabase(folder_ / name);
  }
  const auto needed = [&](const fs::path& database) -> std::vector<std::string> {
    return {database.filename() == "one.db" ? "aa01" : "cc03"};
  };
  const auto planned = store().Collect(needed, /*dry_run=*/true);
  ASSERT_EQ(planned.size(), 1u);
  EXPECT_EQ(planned[0].key, "bb02");
  EXPECT_GT(planned[0].bytes, 16);
  EXPECT_EQ(planned[0].path, store().StageFolder("bb02"));
  EXPECT_THAT(planned[0].why, HasSubstr("no recorded run"));
  EXPECT_TRUE(store().HasArtifact("bb02"));
  store().Collect(needed, false);
  EXPECT_THAT(store().Keys(), ElementsAre("aa01", "cc03"));
}

TEST_F(StoreTest, CollectTakesWhatEndedAttemptsLeft) {
  Publish(MakeWork("aa01", 1, "w"), store().Artifact("aa01"));
  MakeWork("aa01", 2, "dead");
  Write(store().Checkpoint("aa01") / "state", "finished, so of no use");
  Write(store().Checkpoint("bb02") / "state", "to be continued");
  Write(folder_ / "one.db", "");
  store().RegisterDatabase(folder_ / "one.db");
  const auto both = [](const fs::path&) { return std::vector<std::string>{"aa01", "bb02"}; };
  EXPECT_EQ(store().Collect(both, false).size(), 2u);
  EXPECT_FALSE(fs::exists(store().Work("aa01", 2, "dead")));
  EXPECT_FALSE(fs::exists(store().Checkpoint("aa01")));
  EXPECT_TRUE(fs::exists(store().Checkpoint("bb02")));
  EXPECT_TRUE(store().HasArtifact("aa01"));
}

TEST_F(StoreTest, CollectRefusesWhenADatabaseCannotBeRead) {
  Publish(MakeWork("aa01", 1, "w"), store().Artifact("aa01"));
  Write(folder_ / "one.db", "");
  store().RegisterDatabase(folder_ / "one.db");
  const auto fails = [](const fs::path&) -> std::vector<std::string> {
    throw Error(ErrorCode::kInput, "not a database");
  };
  const auto nothing = [](const fs::path&) { return std::vector<std::string>{}; };
  EXPECT_THROW(store().Collect(fails, false), Error);
  fs::remove(folder_ / "one.db");
  try {
    store().Collect(nothing, false);
    FAIL() << "a registered database is gone";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("one.db"));
  }
  EXPECT_TRUE(store().HasArtifact("aa01"));
  store().ForgetDatabase(folder_ / "one.db");
  try {
    store().Collect(nothing, false);
    FAIL() << "no database says what is needed";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no database is registered"));
  }
  Write(folder_ / "two.db", "");
  store().RegisterDatabase(folder_ / "two.db");
  EXPECT_EQ(store().Collect(nothing, false).size(), 1u);
}

TEST_F(StoreTest, CollectWaitsForNoRun) {
  const pid_t child = [&] {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      const StoreLock lock = StoreLock::Share(store());
      [[maybe_unused]] const auto n = ::write(ready[1], "x", 1);
      ::pause();
      ::_exit(0);
    }
    char c = 0;
    EXPECT_EQ(::read(ready[0], &c, 1), 1);
    return pid;
  }();
  const auto nothing = [](const fs::path&) { return std::vector<std::string>{}; };
  Write(folder_ / "one.db", "");
  store().RegisterDatabase(folder_ / "one.db");
  EXPECT_THROW(store().Collect(nothing, false), Error);
  {
    const StoreLock second_run = StoreLock::Share(store());  // runs do not exclude each other
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_THAT(store().Collect(nothing, false), IsEmpty());
}

}  // namespace
}  // namespace cross4d::store
