// SPDX-License-Identifier: Apache-2.0
#include "core/data/row_file.h"

#include "core/base/file.h"
#include "core/base/hash.h"

#include <cross4d/sdk/error.h>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/temp_folder.h"

namespace cross4d::data {
namespace {

namespace fs = std::filesystem;
using tensorio::DType;

constexpr std::int64_t kRows = 5;

RowFile::Setup SetupIn(const fs::path& folder, const std::string& identity = "a") {
  return {.folder = folder / "checkpoint",
          .name = "rows.safetensors",
          .tensors = {{"x", DType::kF32, {kRows, 3}}, {"y", DType::kI16, {kRows, 2, 2}}},
          .metadata = {{"made", "here"}},
          .identity = identity};
}

void WriteRow(RowFile& file, std::int64_t row) {
  const std::vector<float> x(3, static_cast<float>(row) + 0.5f);
  const std::vector<std::int16_t> y(4, static_cast<std::int16_t>(row));
  file.Write(row,
             {{"x", std::as_bytes(std::span(x))}, {"y", std::as_bytes(std::span(y))}},
             std::to_string(10 * row));
}

std::vector<std::int64_t> Finished(const RowFile& file) {
  std::vector<std::int64_t> rows;
  for (std::int64_t row = 0; row < file.rows(); ++row) {
    if (file.Has(row)) rows.push_back(row);
  }
  return rows;
}

using Rows = std::vector<std::int64_t>;

// What an uninterrupted writer makes.
std::string Whole() {
  const test::TempFolder folder;
  RowFile file(SetupIn(folder / ""));
  for (std::int64_t row = 0; row < kRows; ++row) WriteRow(file, row);
  file.Finish(folder / "out");
  return base::ReadFile(folder / "out");
}

class RowFileTest : public testing::Test {
 protected:
  // Rows 3, 0 and 1 are finished, by a process that is gone.
  void Interrupt() {
    const pid_t child = ::fork();
    if (child == 0) {
      RowFile file(SetupIn(folder_ / ""));
      for (const std::int64_t row : {3, 0, 1}) WriteRow(file, row);
      ::raise(SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  void ExpectWholeAfter(const Rows& kept) {
    RowFile file(SetupIn(folder_ / ""));
    EXPECT_EQ(Finished(file), kept);
    for (std::int64_t row = 0; row < kRows; ++row) {
      if (!file.Has(row)) WriteRow(file, row);
    }
    EXPECT_EQ(file.Note(3), "30");
    file.Finish(folder_ / "out");
    EXPECT_EQ(base::ReadFile(folder_ / "out"), Whole());
  }
  fs::path Data() const { return folder_ / "checkpoint/rows.safetensors"; }
  fs::path Ledger() const { return folder_ / "checkpoint/rows.safetensors.rows"; }

  test::TempFolder folder_;
};

TEST_F(RowFileTest, GoesOnAfterAKillToTheSameBytes) {
  Interrupt();
  ExpectWholeAfter({0, 1, 3});
}

TEST_F(RowFileTest, ADamagedRowIsWrittenAgain) {
  Interrupt();
  const auto file = tensorio::SafetensorsFile::Open(Data());
  const auto size = fs::file_size(Data());
  const std::uint64_t begin = size - file->tensors().back().end;
  std::fstream stream(Data(), std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(static_cast<std::streamoff>(begin + 3 * 12 + 1));  // within x of row 3
  stream.put('\x7f');
  stream.close();
  ExpectWholeAfter({0, 1});
}

TEST_F(RowFileTest, ACutLineOfTheLedgerIsForgotten) {
  Interrupt();
  fs::resize_file(Ledger(), fs::file_size(Ledger()) - 4);  // row 1 was the last
  ExpectWholeAfter({0, 3});
}

TEST_F(RowFileTest, ZerosThatACrashOfTheMachineLeftEndTheLedger) {
  Interrupt();
  std::string text = base::ReadFile(Ledger());
  const std::size_t second = text.find('\n', text.find('\n') + 1) + 1;
  std::fill(text.begin() + static_cast<std::ptrdiff_t>(second), text.end() - 1, '\0');
  base::WriteFileAtomically(Ledger(), text);
  ExpectWholeAfter({3});
}

TEST_F(RowFileTest, AChangedNoteIsNotBelieved) {
  Interrupt();
  std::string text = base::ReadFile(Ledger());
  text.replace(text.rfind(" 10\n"), 4, " 11\n");
  base::WriteFileAtomically(Ledger(), text);
  ExpectWholeAfter({0, 3});
}

TEST_F(RowFileTest, AnotherIdentityBeginsAnew) {
  Interrupt();
  EXPECT_EQ(RowFile(SetupIn(folder_ / "", "b")).finished(), 0);
  RowFile::Setup wider = SetupIn(folder_ / "");
  Interrupt();
  wider.tensors[0].shape = {kRows, 4};
  EXPECT_EQ(RowFile(wider).finished(), 0);
}

TEST_F(RowFileTest, ADamagedHeaderOrAMissingFileBeginsAnew) {
  Interrupt();
  std::fstream(Data(), std::ios::in | std::ios::out | std::ios::binary).write("\xff\xff", 2);
  EXPECT_EQ(RowFile(SetupIn(folder_ / "")).finished(), 0);
  Interrupt();
  fs::remove(Data());
  ExpectWholeAfter({});
}

TEST_F(RowFileTest, WhatWasFinishedIsFinishedAgain) {
  Interrupt();
  ExpectWholeAfter({0, 1, 3});
  fs::remove(folder_ / "out");
  ExpectWholeAfter({0, 1, 2, 3, 4});
  // A new beginning leaves what was linked before alone.
  RowFile(SetupIn(folder_ / "", "b"));
  EXPECT_EQ(base::ReadFile(folder_ / "out"), Whole());
}

TEST_F(RowFileTest, TwoWritersAtOnceAreRefused) {
  const RowFile first(SetupIn(folder_ / ""));
  try {
    RowFile second(SetupIn(folder_ / ""));
    FAIL() << "two writers";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kEnvironment);
    EXPECT_NE(std::string(e.what()).find("another process"), std::string::npos) << e.what();
  }
}

TEST_F(RowFileTest, AnUnfinishedFileIsNotHandedOut) {
  RowFile file(SetupIn(folder_ / ""));
  WriteRow(file, 2);
  EXPECT_THROW(file.Finish(folder_ / "out"), Error);
  EXPECT_THROW(file.Write(kRows, {}, ""), Error);
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

}  // namespace
}  // namespace cross4d::data
