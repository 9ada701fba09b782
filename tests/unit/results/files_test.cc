// SPDX-License-Identifier: Apache-2.0
#include "core/results/migrate.h"

#include <cross4d/sdk/error.h>

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <fstream>

#include "support.h"

namespace cross4d::results {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The error of opening, as "code: text"; "" if it opens.
std::string OpenError(const fs::path& path, OpenMode mode) {
  try {
    ResultStore::Open(path, mode);
  } catch (const Error& error) {
    return (error.code() == ErrorCode::kInput ? "input: " : "environment: ") +
           std::string(error.what());
  }
  return "";
}

void MakeDatabase(const fs::path& path) {
  ResultStore store = ResultStore::Open(path, OpenMode::kWrite);
  TestPlan plan;
  for (int i = 0; i < 50; ++i) plan.Run("r" + std::to_string(i), i, {});
  store.RecordPlan(plan.record);
}

TEST(Files, MissingFileIsMadeByWritersOnly) {
  TempFolder folder;
  const fs::path db = folder / "results.db";
  EXPECT_THAT(OpenError(db, OpenMode::kRead), HasSubstr("input: " + db.string() + ": no results"));
  EXPECT_FALSE(fs::exists(db));
  EXPECT_EQ(OpenError(db, OpenMode::kWrite), "");
  EXPECT_EQ(OpenError(db, OpenMode::kRead), "");
}

TEST(Files, EmptyFileCountsAsNew) {
  TempFolder folder;
  std::ofstream(folder / "a.db").close();
  EXPECT_EQ(OpenError(folder / "a.db", OpenMode::kWrite), "");
  std::ofstream(folder / "b.db").close();
  EXPECT_EQ(OpenError(folder / "b.db", OpenMode::kRead), "");
  EXPECT_TRUE(ResultStore::Open(folder / "b.db", OpenMode::kRead).Runs().empty());
}

TEST(Files, OtherFilesAreRefusedAndNotTouched) {
  TempFolder folder;
  std::ofstream(folder / "text.db")
      << "this is a text of a person, not a database; long enough for a header "
         "of one hundred bytes and some more bytes after it.";
  {
    SQLite::Database tables((folder / "tables.db").string(),
                            SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    tables.exec("CREATE TABLE runs (uuid TEXT)");
  }
  {
    SQLite::Database other((folder / "other.db").string(),
                           SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    other.exec("PRAGMA application_id = 1234; CREATE TABLE t (a)");
  }
  {
    // Another program's, still without tables.
    SQLite::Database empty((folder / "empty.db").string(),
                           SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    empty.exec(
        "PRAGMA application_id = 99; PRAGMA user_version = 3; CREATE TABLE t (a); DROP TABLE t");
  }
  MakeDatabase(folder / "newer.db");
  {
    SQLite::Database newer((folder / "newer.db").string(), SQLite::OPEN_READWRITE);
    newer.exec("PRAGMA user_version = 1000; PRAGMA wal_checkpoint(TRUNCATE)");
  }
  const std::map<std::string, std::string> expected = {
      {"text.db", "not a SQLite database"},
      {"tables.db", "another program"},
      {"other.db", "application_id 1234"},
      {"empty.db", "another program"},
      {"newer.db", "newer Cross4D (schema version 1000"},
  };
  for (const auto& [name, text] : expected) {
    const std::string before = Bytes(folder / name);
    for (const OpenMode mode : {OpenMode::kRead, OpenMode::kWrite}) {
      const std::string error = OpenError(folder / name, mode);
      EXPECT_THAT(error, testing::StartsWith("input: " + (folder / name).string())) << error;
      EXPECT_THAT(error, HasSubstr(text));
    }
    EXPECT_EQ(Bytes(folder / name), before) << name;
  }
}

TEST(Files, FolderInPlaceOfAFile) {
  TempFolder folder;
  EXPECT_THAT(OpenError(folder.path(), OpenMode::kWrite), HasSubstr("is a folder"));
  EXPECT_THAT(OpenError(folder / "no/such/results.db", OpenMode::kWrite),
              HasSubstr("does not exist"));
}

TEST(Files, DamagedFilesGiveErrorsAndNeverACrash) {
  TempFolder folder;
  MakeDatabase(folder / "good.db");
  {
    SQLite::Database db((folder / "good.db").string(), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  const std::string good = Bytes(folder / "good.db");
  std::vector<std::string> variants;
  for (std::size_t cut = 0; cut < good.size(); cut += 4096)
    variants.push_back(good.substr(0, cut + 100));
  for (std::size_t i = 0; i < 100; ++i) {
    std::string flipped = good;
    flipped[i * 2654435761u % good.size()] ^= 0x55;
    variants.push_back(flipped);
  }
  int refused = 0, found = 0;
  for (const std::string& bytes : variants) {
    const fs::path path = folder / "bad.db";
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(path.string() + suffix);
    std::ofstream(path, std::ios::binary) << bytes;
    try {
      ResultStore store = ResultStore::Open(path, OpenMode::kRead);
      store.Runs();
      store.PlanValues(1, "probe", "accuracy");
      found += !store.Check(false).problems.empty();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("bad.db"));
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(refused + found, 20);
}

/// Runs `work` as a user without rights (as root: as nobody), in a child process.
int AsUnprivileged(const std::function<int()>& work) {
  return WaitFor(Fork([&] {
    if (::getuid() == 0 && ::setuid(65534) != 0) return 98;
    return work();
  }));
}

TEST(Files, ReadOnlyFolder) {
  TempFolder folder;
  const fs::path sub = folder / "shelf";
  fs::create_directory(sub);
  MakeDatabase(sub / "results.db");
  fs::permissions(folder.path(), fs::perms(0755));
  fs::permissions(sub / "results.db", fs::perms(0444));
  fs::permissions(sub, fs::perms(0555));
  const int code = AsUnprivileged([&] {
    // Reading still works, writing is refused with a reason.
    if (ResultStore::Open(sub / "results.db", OpenMode::kRead).Runs().size() != 50) return 1;
    const std::string error = OpenError(sub / "results.db", OpenMode::kWrite);
    if (error.find("environment: " + (sub / "results.db").string()) != 0) return 2;
    if (error.find("read-only") == std::string::npos) return 3;
    const std::string fresh = OpenError(sub / "new.db", OpenMode::kWrite);
    return fresh.find("read-only") == std::string::npos ? 4 : 0;
  });
  EXPECT_EQ(code, 0);
  fs::permissions(sub, fs::perms(0755));
  fs::permissions(sub / "results.db", fs::perms(0444));
  fs::permissions(folder.path(), fs::perms(0777));
  fs::permissions(sub, fs::perms(0777));
  EXPECT_EQ(AsUnprivileged([&] {
              const std::string error = OpenError(sub / "results.db", OpenMode::kWrite);
              return error.find("the file is read-only") != std::string::npos ? 0 : 1;
            }),
            0);
}

/// Records ever larger plans until it fails; 0 if the error says what is wrong and nothing is lost.
int FillUp(const fs::path& db, const std::string& expected) {
  ResultStore store = ResultStore::Open(db, OpenMode::kWrite);
  TestPlan first;
  first.Run("r1", 0, {});
  store.RecordPlan(first.record);
  try {
    for (int round = 1; round < 100; ++round) {
      TestPlan plan("big" + std::to_string(round));
      for (int i = 0; i < 2000; ++i)
        plan.Run(std::to_string(round) + "r" + std::to_string(i), i, {});
      store.RecordPlan(plan.record);
    }
  } catch (const Error& error) {
    const std::string text = error.what();
    if (error.code() != ErrorCode::kEnvironment || text.find(db.string()) != 0) return 2;
    if (text.find(expected) == std::string::npos) {
      ::fprintf(stderr, "%s\n", text.c_str());
      return 3;
    }
    ResultStore again = ResultStore::Open(db, OpenMode::kRead);
    return again.Check(false).problems.empty() && again.Runs("grid").size() == 1 ? 0 : 4;
  }
  return 5;  // never failed
}

TEST(Files, FullDisk) {
  TempFolder folder;
  const fs::path disk = folder / "disk";
  fs::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=3m") != 0) {
    GTEST_SKIP() << "mounting a small file system is not permitted here";
  }
  const int code = WaitFor(Fork([&] { return FillUp(disk / "results.db", "disk full"); }));
  // Room again: the same file goes on.
  fs::remove(disk / "filler");
  ::umount2(disk.c_str(), MNT_DETACH);
  EXPECT_EQ(code, 0);
}

TEST(Files, FileSizeLimit) {
  TempFolder folder;
  const fs::path db = folder / "results.db";
  EXPECT_EQ(WaitFor(Fork([&] {
              ::signal(SIGXFSZ, SIG_IGN);
              const rlimit limit{2 << 20, 2 << 20};
              ::setrlimit(RLIMIT_FSIZE, &limit);
              return FillUp(db, "disk full");
            })),
            0);
  // Without the limit the same file goes on.
  ResultStore store = ResultStore::Open(db, OpenMode::kWrite);
  TestPlan plan("after");
  plan.Run("z1", 0, {});
  EXPECT_GT(store.RecordPlan(plan.record), 0);
  EXPECT_THAT(store.Check(false).problems, IsEmpty());
}

const std::vector<MigrationStep> kThreeSteps = {
    {1, "0001_a", "CREATE TABLE t (a INTEGER) STRICT; INSERT INTO t VALUES (1)"},
    {2, "0002_b", "ALTER TABLE t ADD COLUMN b TEXT; UPDATE t SET b = 'two'"},
    {3, "0003_c", "CREATE INDEX t_b ON t (b)"},
};

SQLite::Database OpenRaw(const fs::path& path) {
  return SQLite::Database(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 60000);
}

int Version(const fs::path& path) {
  SQLite::Database db(path.string(), SQLite::OPEN_READONLY, 60000);
  return db.execAndGet("PRAGMA user_version").getInt();
}

TEST(Files, OldFilesAreMigratedWithABackup) {
  TempFolder folder;
  const fs::path path = folder / "results.db";
  {
    SQLite::Database db = OpenRaw(path);
    Migrate(db, path, {kThreeSteps[0]});
  }
  EXPECT_EQ(Version(path), 1);
  EXPECT_FALSE(fs::exists(path.string() + ".v0.backup")) << "a new file needs no backup";
  {
    SQLite::Database db = OpenRaw(path);
    Migrate(db, path, kThreeSteps);
    EXPECT_EQ(db.execAndGet("SELECT b FROM t").getString(), "two");
  }
  EXPECT_EQ(Version(path), 3);
  EXPECT_EQ(Version(path.string() + ".v1.backup"), 1);
  SQLite::Database db = OpenRaw(path);
  EXPECT_THROW(Migrate(db, path, {kThreeSteps[0], kThreeSteps[1]}), Error) << "downgrade";
}

TEST(Files, AFailingStepLeavesTheVersionBefore) {
  TempFolder folder;
  const fs::path path = folder / "results.db";
  std::vector<MigrationStep> steps = kThreeSteps;
  steps[2].sql = "CREATE TABLE extra (a) ; INSERT INTO nowhere VALUES (1)";
  SQLite::Database db = OpenRaw(path);
  EXPECT_THROW(Migrate(db, path, steps), SQLite::Exception);
  EXPECT_EQ(Version(path), 2);
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").getInt(), 0);
}

TEST(Files, SeveralProcessesMigrateAtOnce) {
  for (int round = 0; round < 3; ++round) {
    TempFolder folder;
    const fs::path path = folder / "results.db";
    {
      SQLite::Database db = OpenRaw(path);
      Migrate(db, path, {kThreeSteps[0]});
    }
    std::vector<pid_t> children;
    for (int i = 0; i < 8; ++i) {
      children.push_back(Fork([&] {
        SQLite::Database db = OpenRaw(path);
        Migrate(db, path, kThreeSteps);
        return db.execAndGet("PRAGMA user_version").getInt() == 3 ? 0 : 1;
      }));
    }
    for (const pid_t child : children) EXPECT_EQ(WaitFor(child), 0);
    EXPECT_EQ(Version(path.string() + ".v1.backup"), 1);
    // A process that comes between two steps backs up version 2 as well; nothing else may lie here.
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      const std::string name = entry.path().filename().string();
      if (name == "results.db" || name == "results.db.v1.backup") continue;
      EXPECT_EQ(name, "results.db.v2.backup");
      EXPECT_EQ(Version(entry.path()), 2);
    }
  }
}

TEST(Files, BackupIsAWholeDatabase) {
  TempFolder folder;
  MakeDatabase(folder / "results.db");
  ResultStore store = ResultStore::Open(folder / "results.db", OpenMode::kRead);
  store.Backup(folder / "copy.db");
  EXPECT_EQ(ResultStore::Open(folder / "copy.db", OpenMode::kRead).Runs().size(), 50u);
  EXPECT_THROW(store.Backup(folder / "copy.db"), Error) << "never replaces a file";
  EXPECT_THROW(store.Backup(folder / "no/folder/copy.db"), Error);
}

}  // namespace
}  // namespace cross4d::results
