// SPDX-License-Identifier: Apache-2.0
#include "mat5.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstring>
#include <numeric>

#include "mat_writer.h"

namespace cross4d::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using utd_mhad::MatArray;
using utd_mhad::MatType;

constexpr std::uint32_t kUint16 = 4, kDouble = 9;

Bytes Counting(std::size_t count) {
  std::vector<std::uint16_t> values(count);
  std::iota(values.begin(), values.end(), std::uint16_t{7});
  return AsBytes(values);
}

std::vector<std::uint16_t> ReadAll(const Bytes& file) {
  MatArray array("x.mat", file, MatType::kUint16);
  std::size_t count = 1;
  for (const auto n : array.dims()) count *= static_cast<std::size_t>(n);
  std::vector<std::uint16_t> values(count);
  array.Read(values.data(), count * 2, "the array");
  array.Finish();
  return values;
}

// What reading `file` to the end complains about.
std::string Complaint(const Bytes& file) {
  try {
    ReadAll(file);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInput);
    return e.what();
  }
  return "no error";
}

TEST(Mat5, ReadsCompressedAndPlainFiles) {
  const Bytes matrix = MatMatrix({3, 4, 5}, kUint16, Counting(60));
  for (const bool compressed : {true, false}) {
    MatArray array("x.mat", MatFile(matrix, compressed), MatType::kUint16);
    EXPECT_THAT(array.dims(), ElementsAre(3, 4, 5));
    EXPECT_EQ(array.DimsText(), "3 x 4 x 5");
    std::array<std::uint16_t, 20> part{};
    array.Read(part.data(), sizeof part, "a part");
    EXPECT_EQ(part[0], 7);
    array.Read(part.data(), sizeof part, "a part");
    EXPECT_EQ(part[19], 7 + 39);
  }
}

TEST(Mat5, ReadsDoubles) {
  MatArray array("x.mat",
                 MatFile(MatMatrix({1, 2}, kDouble, AsBytes(std::vector<double>{0.5, -3}))),
                 MatType::kDouble);
  std::array<double, 2> values{};
  array.Read(values.data(), sizeof values, "the array");
  array.Finish();
  EXPECT_THAT(values, ElementsAre(0.5, -3));
}

TEST(Mat5, RefusesToReadBeyondTheArray) {
  MatArray array("x.mat", MatFile(MatMatrix({2, 2}, kUint16, Counting(4))), MatType::kUint16);
  std::array<std::uint16_t, 5> values{};
  EXPECT_THROW(array.Read(values.data(), sizeof values, "five numbers"), Error);
}

TEST(Mat5, NamesFileOffsetAndExpectation) {
  const Bytes good = MatFile(MatMatrix({240, 320, 2}, kUint16, Counting(240 * 320 * 2)));
  EXPECT_EQ(Complaint(good), "no error");

  EXPECT_THAT(Complaint({}), AllOf(HasSubstr("x.mat"), HasSubstr("byte 0"), HasSubstr("header")));
  EXPECT_THAT(Complaint(Bytes(good.begin(), good.begin() + 130)),
              AllOf(HasSubstr("byte 130"), HasSubstr("tag")));
  Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(good.size() / 2));
  EXPECT_THAT(Complaint(cut), AllOf(HasSubstr("byte 136"), HasSubstr("truncated")));

  Bytes text(good);
  std::memcpy(text.data(), "MATLAB 7.3", 10);
  EXPECT_THAT(Complaint(text), HasSubstr("7.3 (HDF5)"));
  Bytes swapped(good);
  std::swap(swapped[126], swapped[127]);
  EXPECT_THAT(Complaint(swapped), HasSubstr("big-endian"));
  Bytes other(good);
  other[128] = 9;
  EXPECT_THAT(Complaint(other), AllOf(HasSubstr("byte 136"), HasSubstr("type 9")));

  EXPECT_THAT(Complaint(MatFile(MatMatrix({1, 2}, kDouble, AsBytes(std::vector<double>{1, 2})))),
              HasSubstr("type 9, expected 4"));
  EXPECT_THAT(Complaint(MatFile(MatMatrix({3, 3}, kUint16, Counting(8)))),
              HasSubstr("expected 18 for 3 x 3"));
  EXPECT_THAT(Complaint(MatFile(MatMatrix({3, 0}, kUint16, {}))), HasSubstr("3 x 0"));
  EXPECT_THAT(Complaint(MatFile(MatMatrix({3, -1}, kUint16, {}))), HasSubstr("3 x -1"));
  EXPECT_THAT(Complaint(MatFile(MatMatrix({65536, 65536, 65536}, kUint16, {}))),
              HasSubstr("expected 1 to 2^31"));
  EXPECT_THAT(Complaint(MatFile(MatMatrix({4}, kUint16, Counting(4)))),
              HasSubstr("dimensions of 4 bytes"));
}

// The compressed data ends with a checksum, so a flipped bit is noticed. (The last byte before the
// four of the checksum is left alone: its upper bits may be padding.)
TEST(Mat5, NoticesAFlippedBit) {
  const Bytes good = MatFile(MatMatrix({5, 7}, kUint16, Counting(35)));
  for (std::size_t i = 136; i < good.size(); ++i) {
    if (i == good.size() - 5) continue;
    Bytes bad(good);
    bad[i] ^= 0x10;
    EXPECT_NE(Complaint(bad), "no error") << "byte " << i;
  }
}

TEST(Mat5, EveryPrefixIsRefused) {
  for (const bool compressed : {true, false}) {
    const Bytes good = MatFile(MatMatrix({5, 7}, kUint16, Counting(35)), compressed);
    for (std::size_t size = 0; size + 8 < good.size(); ++size) {
      EXPECT_NE(Complaint(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))),
                "no error");
    }
  }
}

RC_GTEST_PROP(Mat5Property, RandomBytesNeverCrash, ()) {
  Bytes file = MatFile(MatMatrix({5, 7}, kUint16, Counting(35)), *rc::gen::arbitrary<bool>());
  const auto count = *rc::gen::inRange<std::size_t>(1, 9);
  for (std::size_t i = 0; i < count; ++i) {
    file[*rc::gen::inRange<std::size_t>(120, file.size())] = *rc::gen::arbitrary<unsigned char>();
  }
  Complaint(file);
}

RC_GTEST_PROP(Mat5Property, WhatIsWrittenIsRead, (const std::vector<std::uint16_t>& values)) {
  RC_PRE(!values.empty());
  const auto count = static_cast<std::int32_t>(values.size());
  RC_ASSERT(ReadAll(MatFile(MatMatrix({count, 1}, kUint16, AsBytes(values)))) == values);
}

}  // namespace
}  // namespace cross4d::test
