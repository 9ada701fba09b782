// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/npy.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "tests/support/refusal.h"

namespace cross4d::tensorio {
namespace {

using testing::HasSubstr;

std::string File(const std::string& header, const std::string& data, int version = 1) {
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  const std::uint32_t size = static_cast<std::uint32_t>(header.size());
  file.append(reinterpret_cast<const char*>(&size), version == 1 ? 2 : 4);
  return file + header + data;
}

template <class T>
std::string RawItems(std::initializer_list<T> values) {
  std::string raw(values.size() * sizeof(T), '\0');
  std::memcpy(raw.data(), values.begin(), raw.size());
  return raw;
}

NpyArray Parse(const std::string& file) {
  return ParseNpy(std::as_bytes(std::span(file)), "a.npy");
}

std::string NpyRefusal(const std::string& file) {
  return test::Refusal([&] { Parse(file); });
}

TEST(Npy, NumericTypesAndOrders) {
  const auto a = Parse(File("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }\n",
                            RawItems<double>({1, 2, 3, 4})));
  EXPECT_FALSE(a.is_object);
  EXPECT_EQ(a.shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(a.items[0].ToDoubles(), (std::vector<double>{1, 2, 3, 4}));
  const auto f = Parse(File("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3)}",
                            RawItems<std::int16_t>({1, 4, 2, 5, 3, 6}),
                            2));
  EXPECT_EQ(f.items[0].ToDoubles(), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  const auto h = Parse(File("{'descr': '<f2', 'fortran_order': False, 'shape': (4,)}",
                            RawItems<std::uint16_t>({0x3e00, 0xc000, 0x0001, 0x7c00})));
  EXPECT_EQ(h.items[0].ToDoubles(), (std::vector<double>{1.5, -2, std::ldexp(1.0, -24), INFINITY}));
  const auto s = Parse(File("{\"descr\": '|u1', 'fortran_order': False, 'shape': ()}", "\x07"));
  EXPECT_EQ(s.items[0].ToDoubles(), (std::vector<double>{7}));
  const auto none = Parse(File("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3)}", ""));
  EXPECT_EQ(none.items[0].elements(), 0);
}

TEST(Npy, DamageIsRefused) {
  const std::string head = "{'descr': '<f8', 'fortran_order': False, 'shape': ";
  const std::pair<std::string, const char*> cases[] = {
      {"", "not an .npy"},
      {"\x93NUMPY\x01", "not an .npy"},
      {File(head + "(1,)}", "1234567"), "more than the 7 bytes"},
      {File(head + "(1,)}", "123456789"), "need 8"},
      {File(head + "(1,)}", "12345678", 4), "version 4"},
      {File(head + "(99999999, 99999999)}", "12345678"), "more than the 8 bytes"},
      {File(head + "(-1,)}", "12345678"), "shape"},
      {File(head + "(1,", ""), "no valid shape"},
      {File("{'descr': '>f8', 'fortran_order': False, 'shape': (1,)}", "12345678"), "big-endian"},
      {File("{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (1,)}", ""), "structured"},
      {File("{'descr': '<U3', 'fortran_order': False, 'shape': (1,)}", "123"), "'U3'"},
      {File("{'fortran_order': False, 'shape': (1,)}", ""), "descr"},
      {File("{'os': '1'}", ""), "unknown key"}};
  for (const auto& [file, part] : cases) {
    EXPECT_THAT(NpyRefusal(file), testing::AllOf(HasSubstr("a.npy"), HasSubstr(part)));
  }
  std::string cut = File(head + "(1,)}", "");
  cut.resize(30);
  EXPECT_THAT(NpyRefusal(cut), HasSubstr("header"));
}

TEST(Npy, ForeignObjectsAreRefusedByName) {
  const std::string header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}";
  const std::string evil = std::string("\x80\x02") + "cposix\nsystem\n)R.";
  EXPECT_THAT(NpyRefusal(File(header, evil)), HasSubstr("posix.system"));
  EXPECT_THAT(NpyRefusal(File(header, "\x80\x02N.")), HasSubstr("not a NumPy array"));
}

// Clips as three generations of NumPy wrote them (datasets' point files); synthetic content.
class PointFiles : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("CROSS4D_TEST_DATA");
    folder_ = std::filesystem::path(data != nullptr ? data : "") / "data/format_samples/msr";
    if (data == nullptr || !std::filesystem::exists(folder_)) GTEST_SKIP() << "no format samples";
  }
  std::filesystem::path folder_;
};

TEST_F(PointFiles, ObjectArraysOfThreeProtocols) {
  for (const char* name :
       {"a03_s01_e01_sdepth.npz", "a03_s01_e02_sdepth.npz", "a03_s01_e03_sdepth.npz"}) {
    EXPECT_EQ(ListNpz(folder_ / name), std::vector<std::string>{"point_clouds"});
    const NpyArray clip = ReadNpz(folder_ / name, "point_clouds");
    EXPECT_TRUE(clip.is_object) << name;
    ASSERT_FALSE(clip.items.empty()) << name;
    EXPECT_EQ(static_cast<std::int64_t>(clip.items.size()), clip.shape[0]);
    for (const NumericArray& frame : clip.items) {
      ASSERT_EQ(frame.shape.size(), 2u);
      EXPECT_EQ(frame.shape[1], 3);
      EXPECT_EQ(frame.dtype, DType::kF64);
      for (const double v : frame.ToDoubles()) ASSERT_TRUE(std::abs(v) < 1e4) << name;
    }
  }
}

TEST_F(PointFiles, EqualCountsAreOneArray) {
  const NpyArray clip = ReadNpz(folder_ / "a03_s02_e01_sdepth_equal_counts.npz", "point_clouds");
  EXPECT_FALSE(clip.is_object);
  ASSERT_EQ(clip.shape.size(), 3u);
  EXPECT_EQ(clip.shape[2], 3);
}

TEST_F(PointFiles, TheHeaderAloneHasTheShape) {
  for (const auto& [name, is_object] : {std::pair("a03_s01_e01_sdepth.npz", true),
                                        std::pair("a03_s02_e01_sdepth_equal_counts.npz", false)}) {
    const NpyArray header = ReadNpzHeader(folder_ / name, "point_clouds");
    EXPECT_EQ(header.shape, ReadNpz(folder_ / name, "point_clouds").shape);
    EXPECT_EQ(header.is_object, is_object);
    EXPECT_TRUE(header.items.empty());
  }
}

TEST_F(PointFiles, AMissingArrayIsNamed) {
  try {
    ReadNpz(folder_ / "a03_s01_e01_sdepth.npz", "data");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::AllOf(HasSubstr("'data'"), HasSubstr("point_clouds.npy")));
  }
}

}  // namespace
}  // namespace cross4d::tensorio
