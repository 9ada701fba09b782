// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/process.h"
#include "core/plugin/describe.h"
#include "core/plugin/discover.h"
#include "core/plugin/load.h"
#include "core/plugin/note.h"

#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/error.h>
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/student.h>
#include <cross4d/sdk/teacher.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "tests/support/refusal.h"
#include "tests/support/temp_folder.h"

namespace cross4d::plugin {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

fs::path Fixtures(const std::string& folder) { return fs::path(ABI_FIXTURES) / folder; }

/// What cross4d-describe prints, and its exit code.
std::pair<int, std::string> RunDescribe(const fs::path& file) {
  const test::TempFolder folder;
  base::ChildProcess::Options options;
  options.arguments = {DESCRIBE_PROGRAM, file.string()};
  options.stderr_file = (folder / "log").string();
  base::ChildProcess child(options);
  const int code = child.Wait().code;
  return {code, base::ReadFile(folder / "log")};
}

TEST(Abi, AGoodPluginIsDescribedWithoutLoading) {
  const Discovery found = DiscoverIn({Fixtures("good")});
  EXPECT_THAT(found.refused, IsEmpty());
  const base::PluginDescription* good = found.Find("teacher", "good");
  ASSERT_NE(good, nullptr);
  EXPECT_EQ(good->version, "1.0.0");
  EXPECT_EQ(good->doc, "A fixture.");
  EXPECT_EQ(good->build_id.size(), 40u);
  EXPECT_TRUE(good->Provides("video-input"));
  EXPECT_FALSE(good->Requires("video-input"));
  ASSERT_EQ(good->options.options.size(), 1u);
  EXPECT_EQ(good->options.options[0].doc, "Number of bins.");
  EXPECT_EQ(found.Find("student", "good"), nullptr);
  std::ifstream maps("/proc/self/maps");
  const std::string text((std::istreambuf_iterator<char>(maps)), {});
  EXPECT_THAT(text, Not(HasSubstr("cross4d_teacher_good")));
}

TEST(Abi, RefusalsPrintBothValuesOnOneLine) {
  const Discovery found = DiscoverIn({Fixtures("refused")});
  EXPECT_THAT(found.usable, IsEmpty());
  std::map<std::string, std::string> reasons;
  for (const RefusedFile& refused : found.refused) {
    EXPECT_THAT(refused.reason, Not(HasSubstr("\n")));
    reasons[fs::path(refused.file).stem().string().substr(16)] = refused.reason;
  }
  const auto both = [](const char* plugin, const std::string& host) {
    return AllOf(HasSubstr(std::string("the plugin has ") + plugin),
                 HasSubstr("this program has " + host));
  };
  EXPECT_EQ(reasons.size(), 6u);
  EXPECT_THAT(reasons["no-note"], HasSubstr("no Cross4D note"));
  EXPECT_THAT(reasons["other-sdk"], both("2.0", CROSS4D_SDK_VERSION));
  EXPECT_THAT(reasons["other-libtorch"], both("2.10.0", CROSS4D_LIBTORCH_VERSION));
  EXPECT_THAT(reasons["other-string-abi"], both("0", "1"));
  EXPECT_THAT(reasons["other-compiler"], both("gcc-4", CROSS4D_COMPILER));
  EXPECT_THAT(reasons["no-descriptor"], HasSubstr("no-descriptor.json is missing"));
}

TEST(Abi, LoadingARefusedFileFailsBeforeDlopen) {
  const std::string file = (Fixtures("refused") / "cross4d_teacher_other-libtorch.so").string();
  EXPECT_THAT(test::Refusal([&] { LoadFile(file); }), HasSubstr("2.10.0"));
  std::ifstream maps("/proc/self/maps");
  const std::string text((std::istreambuf_iterator<char>(maps)), {});
  EXPECT_THAT(text, Not(HasSubstr("other-libtorch")));
}

TEST(Abi, TwoUsableFilesWithOneNameAreAnErrorThatNamesBoth) {
  EXPECT_THAT(test::Refusal([] {
                DiscoverIn({Fixtures("good"), Fixtures("copy")});
              }),
              AllOf(HasSubstr("two plugins are the teacher good"),
                    HasSubstr("good/cross4d_teacher_good.so"),
                    HasSubstr("copy/cross4d_teacher_good.so")));
  EXPECT_EQ(DiscoverIn({Fixtures("good"), Fixtures("good")}).usable.size(), 1u);
}

TEST(Abi, ARefusedFileIsNoDuplicate) {
  const test::TempFolder folder;
  fs::copy(Fixtures("copy") / "cross4d_teacher_good.so", folder.path());  // without its descriptor
  const Discovery found = DiscoverIn({Fixtures("good"), folder.path()});
  EXPECT_EQ(found.usable.size(), 1u);
  EXPECT_EQ(found.refused.size(), 1u);
}

TEST(Abi, AStaleDescriptorIsRefusedWithBothBuildIds) {
  const test::TempFolder folder;
  fs::copy(Fixtures("stale"), folder.path());
  EXPECT_EQ(DiscoverIn({folder.path()}).usable.size(), 1u);
  const fs::path descriptor = folder / "cross4d_teacher_stale.json";
  nlohmann::json json = nlohmann::json::parse(base::ReadFile(descriptor));
  const std::string build_id = json["build_id"];
  json["build_id"] = "0123";
  base::WriteFileAtomically(descriptor, json.dump(), false);
  const Discovery found = DiscoverIn({folder.path()});
  ASSERT_EQ(found.refused.size(), 1u);
  EXPECT_THAT(found.refused[0].reason,
              AllOf(HasSubstr("stale"), HasSubstr("0123"), HasSubstr(build_id)));
  base::WriteFileAtomically(descriptor, "{", false);
  EXPECT_THAT(DiscoverIn({folder.path()}).refused.at(0).reason, HasSubstr("is no descriptor"));
}

TEST(Abi, ForeignFilesAreRefusedNotFatal) {
  const test::TempFolder folder;
  base::WriteFileAtomically(folder / "cross4d_teacher_text.so", "not an ELF file", false);
  base::WriteFileAtomically(folder / "cross4d_teacher_empty.so", "", false);
  base::WriteFileAtomically(folder / "libother.so", "ignored", false);
  fs::create_symlink("/no/such/file", folder / "cross4d_teacher_dangling.so");
  fs::create_directory(folder / "cross4d_teacher_folder.so");
  const Discovery found = DiscoverIn({folder.path()});
  EXPECT_THAT(found.usable, IsEmpty());
  EXPECT_EQ(found.refused.size(), 4u);
}

TEST(Abi, LoadChecksWhatThePlanFroze) {
  const base::PluginDescription plugin = *DiscoverIn({Fixtures("good")}).Find("teacher", "good");
  const std::string sha256 = base::Sha256File(plugin.file);
  EXPECT_THAT(test::Refusal([&] {
                Load(plugin, {"abcd", ""});
              }),
              AllOf(HasSubstr("abcd"), HasSubstr(plugin.build_id)));
  EXPECT_THAT(test::Refusal([&] {
                Load(plugin, {"", "ffff"});
              }),
              AllOf(HasSubstr("ffff"), HasSubstr(sha256)));
  const PluginRecord& record = Load(plugin, {plugin.build_id, sha256});
  EXPECT_EQ(record.name, "good");
  EXPECT_EQ(&Load(plugin), &record) << "loaded twice";
  EXPECT_THAT(test::Refusal([&] {
                Load(plugin, {"", "ffff"});
              }),
              HasSubstr("ffff"))
      << "checked on every load";
}

TEST(Abi, WhatCreateThrowsNamesThePlugin) {
  const PluginRecord& record =
      LoadFile((Fixtures("loading") / "cross4d_teacher_create-throws.so").string());
  EXPECT_EQ(test::Refusal([&] { CreateTeacher(record, {}, {}); }),
            "teacher create-throws › the weights are not there");
  EXPECT_THAT(test::Refusal([&] {
                CreateTeacher(record, {{"bins", OptionValue(std::int64_t{99})}}, {});
              }),
              HasSubstr("teacher create-throws › option bins is 99, expected 2 to 64"));
  EXPECT_THAT(test::Refusal([&] { CreateStudent(record, {}, {}); }),
              HasSubstr("used as a student"));
  const PluginRecord& nothing =
      LoadFile((Fixtures("loading") / "cross4d_teacher_create-nothing.so").string());
  EXPECT_THAT(test::Refusal([&] { CreateTeacher(nothing, {}, {}); }),
              HasSubstr("returned nothing"));
}

TEST(Describe, RefusesBadPlugins) {
  const std::map<std::string, std::string> expected = {
      {"bad-default", "option bins has a bad default: it is 100, expected 2 to 64"},
      {"two-plugins", "registers 2 plugins, expected one"},
      {"entry-throws", "its entry failed: no table today"},
      {"other-id", "its note says id other-id, its entry says somebody-else"}};
  for (const auto& [name, reason] : expected) {
    const auto [code, text] = RunDescribe(Fixtures("schema") / ("cross4d_teacher_" + name + ".so"));
    EXPECT_EQ(code, 2) << name;
    EXPECT_THAT(text, HasSubstr(reason)) << name;
    EXPECT_FALSE(
        fs::exists(DescriptorPath(Fixtures("schema") / ("cross4d_teacher_" + name + ".so"))));
  }
}

}  // namespace
}  // namespace cross4d::plugin
