// SPDX-License-Identifier: Apache-2.0
// `cross4d data` and data sets in runs, with the real programs on folders that the test writes.
#include "core/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr int kClips = 12;

std::string Frame(int clip, int frame) {
  std::string text;
  for (int n = 0; n < 40; ++n) {
    const int wave = clip % 2 == 0 ? frame * n : frame * (40 - n);
    text += std::to_string(n % 7) + " " + std::to_string(n / 7) + " " +
            std::to_string(0.1 * (wave % 11) + 0.01 * clip) + "\n";
  }
  return text;
}

// Twelve clips of two classes, four frames each, as folders of .xyz files.
std::string WriteData(const Place& place, const std::string& name = "data") {
  std::string table = "id,label,split\n";
  for (int i = 0; i < kClips; ++i) {
    const std::string id = "clip" + std::to_string(i);
    table += id + "," + (i % 2 == 0 ? "up" : "down") + (i < 8 ? ",train\n" : ",test\n");
    for (int t = 0; t < 4; ++t) {
      place.Write(name + "/" + id + "/f" + std::to_string(t) + ".xyz", Frame(i, t));
    }
  }
  place.Write(name + "/clips.csv", table);
  return (place / name).string();
}

std::string Experiment(const std::string& dataset_lines) {
  return "name = \"own\"\nseeds = [0]\n"
         "[dataset]\nplugin = \"point-folder\"\nframes = 4\npoints = 64\n" +
         dataset_lines +
         "[teacher]\nplugin = \"shape-hog\"\n"
         "[targets]\nimage_size = 32\ndim = 16\n"
         "[student]\nplugin = \"point4d\"\npreset = \"quickstart\"\n"
         "centroids = [16, 8]\nk = [8, 4]\n"
         "[objective]\nplugin = \"dense\"\n"
         "[pretrain]\nepochs = 2\nbatch = 4\n"
         "[[evaluate]]\nname = \"probe\"\nprotocol = \"linear-probe\"\nepochs = 5\n"
         "[[table]]\nname = \"own\"\nrows = \"objective.plugin\"\nvalue = \"probe.accuracy\"\n";
}

std::string Root(const std::string& root) { return "root = \"" + root + "\"\n"; }

json Metrics(const Place& place) {
  return place.Sql(
      "SELECT s.key AS stage, m.name AS name, m.step AS step, quote(m.value) AS value "
      "FROM metrics AS m JOIN stages AS s ON s.id = m.stage WHERE m.name NOT LIKE '%seconds%' "
      "ORDER BY 1, 2, 3");
}

std::vector<std::string> PackCommand(const std::string& root, const fs::path& file) {
  return {"data",
          "pack",
          root,
          "--dataset",
          "point-folder",
          "--set",
          "frames=4",
          "--set",
          "points=64",
          "--output",
          file.string()};
}

TEST(DataInspect, CountsReadsAndNamesWhatIsWrong) {
  const Place place;
  const std::string root = WriteData(place);
  std::vector<std::string> command = {
      "data", "inspect", root, "--dataset", "point-folder", "--all"};
  const Result text = place.Run(command);
  EXPECT_EQ(text.status.code, 0) << text.out << text.err;
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("train  8 clips of 8 videos"),
                    HasSubstr("test   4 clips of 4 videos"),
                    ContainsRegex("down +4 +2"),
                    HasSubstr("read   12 of 12 clips"),
                    HasSubstr("problems: 0")));
  command.push_back("--json");
  const json good = place.Run(command).Json();
  EXPECT_EQ(good.at("train").at("clips"), 8);
  EXPECT_EQ(good.at("classes").at(1).at("name"), "up");
  EXPECT_EQ(good.at("distinct_points").at("max"), 40);
  EXPECT_EQ(good.at("repeated_frames").size(), 12u) << "four frames give clips of 24";

  place.Write("data/clip3/f1.xyz", "0 0 0\n1 2\n");
  for (int t = 0; t < 4; ++t) {
    place.Write("data/clip7/f" + std::to_string(t) + ".xyz", Frame(5, t));
  }
  const Result bad = place.Run(command);
  EXPECT_EQ(bad.status.code, 2);
  const json found = bad.Json();
  EXPECT_THAT(found.at("unreadable").at(0).at("why").get<std::string>(), HasSubstr("f1.xyz:2"));
  fs::remove_all(place / "data/clip9");
  EXPECT_THAT(place.Run(command).Json().at("problems").at(0).at("what").get<std::string>(),
              HasSubstr("clips.csv:11: clip clip9"));
  const Result nowhere =
      place.Run({"data", "inspect", root + "/clip1", "--dataset", "point-folder"});
  EXPECT_EQ(nowhere.status.code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("give that as root"));
}

TEST(DataInspect, TakesADataSetWithoutAFolderByItsName) {
  const Place place;
  const Result result = place.Run({"data", "inspect", "noop", "--clips", "2"});
  EXPECT_EQ(result.status.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("train  4 clips of 4 videos"));
}

TEST(DataPreview, WritesPlyFilesAndASheet) {
  const Place place;
  const std::string root = WriteData(place);
  const auto preview = [&](const std::string& clip) {
    return place.Run({"data",
                      "preview",
                      root,
                      "--dataset",
                      "point-folder",
                      "--set",
                      "frames=4",
                      "--set",
                      "points=64",
                      "--clip",
                      clip,
                      "--output",
                      (place / "out").string()});
  };
  const Result result = preview("clip5");
  ASSERT_TRUE(result.Ok()) << result.err;
  const std::string ply = base::ReadFile(place / "out/clip5_003.ply");
  EXPECT_THAT(ply, HasSubstr("element vertex 64\n"));
  EXPECT_EQ(ply.size() - ply.find("end_header\n") - 11, 64u * 12);
  EXPECT_TRUE(base::ReadFile(place / "out/clip5.png").starts_with("\x89PNG"));
  EXPECT_THAT(preview("clip50").err, HasSubstr("no clip 'clip50' among the 12 clips"));
}

TEST(DataPack, ARunFromAPackIsTheSame) {
  const Place place, packed;
  const std::string root = WriteData(place);
  const Result unpacked = place.Run({"run", place.Write("own.toml", Experiment(Root(root)))});
  ASSERT_TRUE(unpacked.Ok()) << unpacked.err;
  const fs::path pack = packed / "own.pack";
  const Result packing = place.Run(PackCommand(root, pack));
  ASSERT_TRUE(packing.Ok()) << packing.err;
  EXPECT_THAT(packing.out, HasSubstr("12 clips of 4 x 64 points"));

  // The data itself is not needed any more.
  fs::rename(root, root + "-away");
  const std::string lines = Root(root) + "pack = \"own.pack\"\n";  // beside the file
  const std::string file = packed.Write("own.toml", Experiment(lines));
  const Result run = packed.Run({"run", file});
  ASSERT_TRUE(run.Ok()) << run.err;
  EXPECT_EQ(run.out, unpacked.out);
  EXPECT_EQ(Metrics(place), Metrics(packed)) << "the same keys and the same values";
  packed.ExpectHealthy();

  // Nor does a pack make finished runs new, where they were computed from files.
  const Result again =
      place.Run({"run", (place / "own.toml").string(), "--set", "dataset.pack=" + pack.string()});
  EXPECT_TRUE(again.Ok()) << again.err;
  EXPECT_THAT(again.err, HasSubstr("0 stages executed"));
}

TEST(DataPack, APackOfOtherSettingsOrDataIsRefused) {
  const Place place;
  const std::string root = WriteData(place);
  const fs::path pack = place / "own.pack";
  ASSERT_TRUE(place.Run(PackCommand(root, pack)).Ok());
  const auto run = [&](const std::string& more) {
    return place.Run({"run",
                      place.Write("own.toml", Experiment(Root(root))),
                      "--set",
                      "dataset.pack=" + pack.string(),
                      "--set",
                      more});
  };
  EXPECT_THAT(run("dataset.points=32").err, HasSubstr("points is 64 in the pack, wanted is 32"));
  ASSERT_TRUE(place.Run({"run", (place / "own.toml").string()}).Ok());
  place.Write("data/clip3/f1.xyz", "0 0 0\n1 2 3\n");
  fs::remove(pack);
  ASSERT_TRUE(place.Run(PackCommand(root, pack)).Ok());
  const Result other = run("pretrain.epochs=3");
  EXPECT_EQ(other.status.code, 2);
  EXPECT_THAT(other.err, AllOf(HasSubstr("fingerprint"), HasSubstr("own.pack"), HasSubstr(root)));
  const Result missing = place.Run({"run",
                                    (place / "own.toml").string(),
                                    "--set",
                                    "pretrain.epochs=3",
                                    "--set",
                                    "dataset.pack=/none.pack"});
  EXPECT_EQ(missing.status.code, 2);
  EXPECT_THAT(missing.err, HasSubstr("/none.pack"));
}

std::int64_t Lines(const fs::path& file) {
  std::ifstream in(file);
  return std::count(std::istreambuf_iterator<char>(in), {}, '\n');
}

TEST(DataPack, SurvivesKillsAndGivesTheSameBytes) {
  const Place place;
  const fs::path file = place / "cut.pack", whole = place / "whole.pack";
  const auto command = [](const fs::path& output) {
    return std::vector<std::string>{"data",
                                    "pack",
                                    "--dataset",
                                    "synthetic4d",
                                    "--set",
                                    "subjects=6",
                                    "--threads",
                                    "1",
                                    "--output",
                                    output.string()};
  };
  const fs::path ledger = (file.string() + ".partial") + "/pack.safetensors.rows";
  std::int64_t before = 0;
  for (int kill = 0; kill < 2; ++kill) {
    const auto child = place.Start(command(file), "pack");
    const auto start = std::chrono::steady_clock::now();
    while (Lines(ledger) < before + 15 &&
           std::chrono::steady_clock::now() - start < std::chrono::seconds(60)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    child->Signal(SIGKILL);
    place.Wait(*child, "pack");
    ASSERT_FALSE(fs::exists(file)) << "it was done before it could be killed";
    before = Lines(ledger);
  }
  const Result rest = place.Run(command(file));
  ASSERT_TRUE(rest.Ok()) << rest.err;
  EXPECT_THAT(rest.out, ContainsRegex("; [0-9][0-9]+ kept from before"));
  EXPECT_FALSE(fs::exists(file.string() + ".partial"));
  ASSERT_TRUE(place.Run(command(whole)).Ok());
  EXPECT_EQ(base::ReadFile(file), base::ReadFile(whole));
}

TEST(SkippedClips, AreLeftOutLoggedAndCounted) {
  const Place place;
  const std::string root = WriteData(place);
  place.Write("data/clip3/f1.xyz", "0 0 nan\n");
  const std::string file = place.Write("own.toml", Experiment(Root(root)));
  const Result failed = place.Run({"run", file});
  EXPECT_EQ(failed.status.code, 1);
  EXPECT_THAT(failed.err, AllOf(HasSubstr("clip clip3"), HasSubstr("f1.xyz:1")));

  const Result run = place.Run({"run", file, "--set", "dataset.on_error=skip"});
  ASSERT_TRUE(run.Ok()) << run.err;
  const json skipped = place.Sql(
      "SELECT s.kind AS kind, m.value AS value FROM metrics AS m JOIN stages AS s "
      "ON s.id = m.stage WHERE m.name = 'skipped' ORDER BY 1");
  ASSERT_EQ(skipped.size(), 2u) << skipped;
  for (const json& row : skipped) EXPECT_EQ(row.at("value"), 1) << row;

  // A pack made so says the same, and gives the same.
  const Place packed;
  const fs::path pack = packed / "own.pack";
  std::vector<std::string> command = PackCommand(root, pack);
  EXPECT_EQ(place.Run(command).status.code, 2) << "a strict pack does not leave clips out";
  command.insert(command.end(), {"--set", "on_error=skip"});
  const Result packing = place.Run(command);
  ASSERT_TRUE(packing.Ok()) << packing.err;
  EXPECT_THAT(packing.out,
              AllOf(HasSubstr("skipped: clip clip3"), HasSubstr("11 clips of 4 x 64 points")));
  const Result same = packed.Run({"run",
                                  packed.Write("own.toml", Experiment(Root(root))),
                                  "--set",
                                  "dataset.on_error=skip",
                                  "--set",
                                  "dataset.pack=" + pack.string()});
  ASSERT_TRUE(same.Ok()) << same.err;
  EXPECT_EQ(same.out, run.out);
}

}  // namespace
}  // namespace cross4d::e2e
