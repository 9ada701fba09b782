// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/note.h"

#include "core/base/file.h"

#include <cross4d/sdk/error.h>

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstring>
#include <string>

#include "tests/support/refusal.h"

namespace cross4d::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string& Good() {
  static const std::string bytes = base::ReadFile(GOOD_PLUGIN);
  return bytes;
}

/// The message, or "" when the bytes were accepted; anything but Error ends the test.
std::string Refusal(const std::string& bytes) {
  std::string message = test::Refusal([&] { ParseNote(bytes, "test.so"); }, ErrorCode::kPlugin);
  if (!message.empty()) {
    EXPECT_THAT(message, HasSubstr("test.so"));
  }
  return message;
}

template <class T>
std::string Patched(std::size_t offset, T value) {
  std::string bytes = Good();
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
  return bytes;
}

TEST(Note, ReadsFieldsAndBuildId) {
  const PluginNote note = ReadNote(GOOD_PLUGIN);
  EXPECT_EQ(note.Get("role"), "teacher");
  EXPECT_EQ(note.Get("id"), "good");
  EXPECT_EQ(note.Get("nothing"), "");
  EXPECT_EQ(note.build_id.size(), 40u);
  EXPECT_THAT(note.GetList("provides"), ElementsAre("frame-tokens", "video-input"));
  EXPECT_THAT(note.GetList("requires"), ElementsAre());
  EXPECT_EQ(BuildMismatch(note), "");
  EXPECT_EQ(ParseNote(Good(), "x").fields, note.fields);
}

TEST(Note, EveryTruncationIsRefusedOrReadWhole) {
  const PluginNote whole = ParseNote(Good(), "x");
  for (std::size_t size = 0; size < Good().size(); size += size < 4096 ? 1 : 97) {
    const std::string cut = Good().substr(0, size);
    if (Refusal(cut).empty()) {
      EXPECT_EQ(ParseNote(cut, "x").fields, whole.fields) << size;
    }
  }
  EXPECT_THAT(Refusal(Good().substr(0, 80)), HasSubstr("cut short"));
}

TEST(Note, FlippedBytesNeverCrash) {
  EXPECT_TRUE(rc::check([] {
    std::string bytes = Good().substr(0, 4096);
    const int flips = *rc::gen::inRange(1, 12);
    for (int i = 0; i < flips; ++i) {
      bytes[*rc::gen::inRange<std::size_t>(0, 1024)] = *rc::gen::arbitrary<char>();
    }
    Refusal(bytes);
  }));
}

TEST(Note, DamagedHeadersAreNamed) {
  EXPECT_THAT(Refusal(""), HasSubstr("no ELF library"));
  EXPECT_THAT(Refusal("#!/bin/sh\n"), HasSubstr("no ELF library"));
  EXPECT_THAT(Refusal(Patched<unsigned char>(EI_CLASS, ELFCLASS32)), HasSubstr("64-bit"));
  EXPECT_THAT(Refusal(Patched<std::uint16_t>(offsetof(Elf64_Ehdr, e_type), ET_EXEC)),
              HasSubstr("no shared library"));
  EXPECT_THAT(Refusal(Patched<std::uint16_t>(offsetof(Elf64_Ehdr, e_machine), EM_S390)),
              HasSubstr("another processor"));
  EXPECT_THAT(Refusal(Patched<std::uint64_t>(offsetof(Elf64_Ehdr, e_phoff), ~0ull - 8)),
              HasSubstr("cut short"));
  EXPECT_THAT(Refusal(Patched<std::uint16_t>(offsetof(Elf64_Ehdr, e_phnum), 0)),
              HasSubstr("no program headers"));
  EXPECT_THAT(Refusal(Patched<std::uint16_t>(offsetof(Elf64_Ehdr, e_phentsize), 8)),
              HasSubstr("damaged"));
}

TEST(Note, OtherLibrariesHaveNone) {
  const std::string self = base::ReadFile(base::ExecutablePath());
  EXPECT_THAT(Refusal(self), HasSubstr("no Cross4D note"));
}

PluginNote HostNote() {
  PluginNote note;
  note.fields = HostBuild();
  return note;
}

TEST(BuildMismatch, PrintsBothValues) {
  PluginNote note = HostNote();
  EXPECT_EQ(BuildMismatch(note), "");
  note.fields["libtorch"] = "1.13.0";
  EXPECT_EQ(BuildMismatch(note),
            "libtorch: the plugin has 1.13.0, this program has " + HostBuild().at("libtorch") +
                "; build the plugin again with this Cross4D");
  note.fields.erase("libtorch");
  EXPECT_THAT(BuildMismatch(note), HasSubstr("the plugin has none"));
}

TEST(BuildMismatch, OlderMinorSdkFitsAndNewerDoesNot) {
  PluginNote note = HostNote();
  const std::string host = HostBuild().at("sdk");
  const std::string major = host.substr(0, host.find('.'));
  note.fields["sdk"] = major + ".0";
  EXPECT_EQ(BuildMismatch(note), "");
  note.fields["sdk"] = major + ".999";
  EXPECT_THAT(BuildMismatch(note), HasSubstr("sdk: the plugin has " + major + ".999"));
  note.fields["sdk"] = "9" + host;
  EXPECT_THAT(BuildMismatch(note), HasSubstr("sdk:"));
}

TEST(BuildMismatch, APluginWithoutCudaFitsEveryProgram) {
  PluginNote note = HostNote();
  note.fields["cuda"] = "none";
  EXPECT_EQ(BuildMismatch(note), "");
}

}  // namespace
}  // namespace cross4d::plugin
