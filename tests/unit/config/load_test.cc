// SPDX-License-Identifier: Apache-2.0
#include "core/config/load.h"

#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/config/toy_catalog.h"

namespace cross4d::config {
namespace {

namespace fs = std::filesystem;

class LoadTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("config_load_" + std::to_string(getpid()));
    fs::create_directories(folder_ / "base");
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  std::optional<Experiment> Load(const std::string& file, std::vector<std::string> set = {}) {
    LoadRequest request;
    request.file = file;
    request.set = std::move(set);
    diagnostics_ = {};
    return config::Load(request, ToyCatalog(), diagnostics_);
  }
  static const Setting* Find(const Layer& layer, const std::string& path) {
    for (const Setting& s : layer) {
      if (s.path.Text() == path) return &s;
    }
    return nullptr;
  }

  fs::path folder_;
  base::Diagnostics diagnostics_;
};

TEST_F(LoadTest, KeepsTheOrderOfTheFile) {
  const auto e = Load(Write("a.toml", R"([dataset]
plugin = "synth"
[student]
plugin = "p4d"
[grid]
"student.scale" = [1, 2]
"student.dim" = [8]
student.centroids = [4]
)"));
  ASSERT_TRUE(e && !diagnostics_.HasErrors()) << diagnostics_.Render();
  ASSERT_EQ(e->blocks.size(), 1u);
  const Block& block = e->blocks[0];
  ASSERT_EQ(block.axes.size(), 3u);
  EXPECT_EQ(block.axes[0].points[0][0].path.Text(), "student.scale");
  EXPECT_EQ(block.axes[1].points[0][0].path.Text(), "student.dim");
  EXPECT_EQ(block.axes[2].points[0][0].path.Text(), "student.centroids");
  EXPECT_EQ(e->name, "a");
}

TEST_F(LoadTest, SettingsKnowTheirPlaceAndFolder) {
  Write("base/common.toml", "[dataset]\nplugin = \"toy-depth\"\nroot = \"data\"\n");
  const auto e =
      Load(Write("a.toml", "extends = \"base/common.toml\"\n[student]\nplugin = \"p4d\"\n"));
  ASSERT_TRUE(e && !diagnostics_.HasErrors()) << diagnostics_.Render();
  const Setting* root = Find(e->base, "dataset.root");
  ASSERT_NE(root, nullptr);
  EXPECT_EQ(root->where.file, (folder_ / "base/common.toml").string());
  EXPECT_EQ(root->where.line, 3);
  EXPECT_EQ(root->where.column, 8);
  EXPECT_EQ(root->key.column, 1);
  EXPECT_EQ(root->folder, (folder_ / "base").string());
}

TEST_F(LoadTest, UnreadableFilesAreErrors) {
  EXPECT_FALSE(Load((folder_ / "missing.toml").string()));
  EXPECT_TRUE(diagnostics_.HasErrors());
  EXPECT_FALSE(Load(folder_.string()));
  EXPECT_TRUE(diagnostics_.HasErrors());
  EXPECT_FALSE(Load(Write("binary.toml", std::string("a = \"\0\xff\"", 8))));
  EXPECT_TRUE(diagnostics_.HasErrors());
}

TEST_F(LoadTest, FilesThatExtendEachOtherAreNamed) {
  Write("base/a.toml", "extends = [\"b.toml\"]\n");
  const std::string b = Write("base/b.toml", "extends = [\"a.toml\"]\n");
  EXPECT_FALSE(Load(b));
  EXPECT_NE(diagnostics_.Render().find("extends itself"), std::string::npos);
}

TEST_F(LoadTest, SetReadsTomlElseText) {
  const std::string file =
      Write("a.toml", "[dataset]\nplugin = \"synth\"\n[student]\nplugin = \"p4d\"\n");
  const auto e = Load(file,
                      {"student.attention=divided",
                       "student.scale=2",
                       "student.widths=[1, 2]",
                       "dataset.plugin=\"synth\"",
                       "seeds=[3, 4]"});
  ASSERT_TRUE(e && !diagnostics_.HasErrors()) << diagnostics_.Render();
  EXPECT_EQ(Find(e->overrides, "student.attention")->value, OptionValue(std::string("divided")));
  EXPECT_EQ(Find(e->overrides, "student.scale")->value, OptionValue(std::int64_t{2}));
  EXPECT_EQ(Find(e->overrides, "student.widths")->value,
            OptionValue(std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(Find(e->overrides, "dataset.plugin")->value, OptionValue(std::string("synth")));
  EXPECT_EQ(e->blocks[0].seeds, (std::vector<std::int64_t>{3, 4}));
}

TEST_F(LoadTest, ColumnsCountBytesAfterUmlauts) {
  Load(Write("a.toml",
             "[dataset]\nplugin = \"synth\"\n[student]\nplugin = \"p4d\"\n"
             "[[table]]\nname = \"t\"\nlabels = { \"\xc3\xbc\" = \"x\" }\nvalu = 1\n"
             "value = \"encoder.loss\"\nreference = { \"\xc3\xbc\xc3\xbc\" = [] }\n"));
  const auto sorted = diagnostics_.Sorted();
  ASSERT_EQ(sorted.size(), 2u) << diagnostics_.Render();
  EXPECT_EQ(sorted[0].where.line, 8);
  EXPECT_EQ(sorted[1].where.line, 10);
  // reference = { "üü" = []  : 14 bytes, then 6 for the quoted key, then " = "
  EXPECT_EQ(sorted[1].where.column, 24);
}

TEST_F(LoadTest, FoldersGiveTheirFilesByName) {
  Write("b.toml", "");
  Write("a.toml", "");
  Write("notes.txt", "");
  const auto files = ExperimentFiles({folder_.string(), (folder_ / "b.toml").string()});
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(fs::path(files[0]).filename(), "a.toml");
  EXPECT_EQ(fs::path(files[1]).filename(), "b.toml");
  EXPECT_THROW(ExperimentFiles({(folder_ / "base").string()}), Error);
  EXPECT_THROW(ExperimentFiles({(folder_ / "nothing.toml").string()}), Error);
}

TEST(ParseSeedsTest, ReadsListsAndRanges) {
  EXPECT_EQ(ParseSeeds("0"), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(ParseSeeds("3,1,5-7"), (std::vector<std::int64_t>{3, 1, 5, 6, 7}));
  for (const char* bad : {"", "a", "1,,2", "-1", "3-1", "1,1", "1-", "0-99999999999"}) {
    EXPECT_THROW(ParseSeeds(bad), Error) << bad;
  }
}

}  // namespace
}  // namespace cross4d::config
