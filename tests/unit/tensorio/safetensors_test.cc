// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/safetensors.h"

#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <thread>

#include "tests/support/refusal.h"

namespace cross4d::tensorio {
namespace {

namespace fs = std::filesystem;

fs::path Temp(const std::string& name) {
  const fs::path folder =
      fs::path(testing::TempDir()) / ("cross4d_safetensors_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  fs::remove(folder / name);
  return folder / name;
}

template <class T>
std::span<const std::byte> ItemBytes(const std::vector<T>& v) {
  return std::as_bytes(std::span(v));
}

// A file of header text and `data` zero bytes.
std::vector<std::byte> Raw(const std::string& header, std::size_t data) {
  const std::uint64_t n = header.size();
  std::vector<std::byte> file(8 + n + data);
  std::memcpy(file.data(), &n, 8);
  std::memcpy(file.data() + 8, header.data(), n);
  return file;
}

std::string FileRefusal(const std::vector<std::byte>& file) {
  return test::Refusal([&] { ParseSafetensors(file, "f.safetensors"); });
}

TEST(Safetensors, RowsRoundTrip) {
  const fs::path path = Temp("rows.safetensors");
  {
    SafetensorsWriter writer(path,
                             {{"a", DType::kF32, {2, 3}},
                              {"b", DType::kI16, {3}},
                              {"s", DType::kF64, {}},
                              {"none", DType::kU8, {0, 4}}},
                             {{"note", "x"}});
    writer.WriteRow("a", 1, ItemBytes(std::vector<float>{4, 5, 6}));
    writer.WriteRow("a", 0, ItemBytes(std::vector<float>{1, 2, 3}));
    writer.Write("b", ItemBytes(std::vector<std::int16_t>{7, 8, 9}));
    writer.Write("s", ItemBytes(std::vector<double>{0.5}));
    EXPECT_FALSE(fs::exists(path)) << "nothing under the final name before Finish";
    writer.Finish();
  }
  const auto file = SafetensorsFile::Open(path);
  EXPECT_EQ(file->metadata().at("note"), "x");
  const TensorInfo& a = file->Get("a");
  EXPECT_EQ(a.shape, (std::vector<std::int64_t>{2, 3}));
  float values[6];
  ASSERT_EQ(file->Bytes(a).size(), sizeof(values));
  std::memcpy(values, file->Bytes(a).data(), sizeof(values));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(values[i], i + 1);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file->Bytes(a).data()) % 64, 0u);
  EXPECT_EQ(file->Get("none").elements(), 0);
  EXPECT_EQ(file->Get("s").elements(), 1);
  EXPECT_EQ(file->Find("zzz"), nullptr);
  EXPECT_THROW(file->Get("zzz"), Error);
}

TEST(Safetensors, SameBytesFromOneAndTwoThreads) {
  const auto write = [](const fs::path& path, int threads) {
    SafetensorsWriter writer(path, {{"a", DType::kI32, {64, 16}}});
    std::vector<std::thread> pool;
    for (int t = 0; t < threads; ++t) {
      pool.emplace_back([&, t] {
        for (int row = t; row < 64; row += threads) {
          writer.WriteRow("a", row, ItemBytes(std::vector<std::int32_t>(16, row)));
        }
      });
    }
    for (std::thread& thread : pool) thread.join();
    writer.Finish();
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_EQ(write(Temp("one"), 1), write(Temp("two"), 2));
}

TEST(Safetensors, AnUnfinishedFileIsRemoved) {
  const fs::path path = Temp("unfinished.safetensors");
  { SafetensorsWriter writer(path, {{"a", DType::kF32, {2}}}); }
  EXPECT_FALSE(fs::exists(path));
  EXPECT_FALSE(fs::exists(path.string() + ".part"));
}

TEST(Safetensors, WrongRowsAreRefused) {
  SafetensorsWriter writer(Temp("wrong.safetensors"), {{"a", DType::kF32, {2, 3}}});
  const std::vector<float> row(3), longer(4);
  EXPECT_THROW(writer.WriteRow("a", 2, ItemBytes(row)), Error);
  EXPECT_THROW(writer.WriteRow("a", -1, ItemBytes(row)), Error);
  EXPECT_THROW(writer.WriteRow("a", 0, ItemBytes(longer)), Error);
  EXPECT_THROW(writer.WriteRow("b", 0, ItemBytes(row)), Error);
  EXPECT_THROW(writer.Write("a", ItemBytes(row)), Error);
}

TEST(Safetensors, FoldersThatCannotBeWrittenAreNamed) {
  try {
    SafetensorsWriter writer(Temp("no-such-folder") / "x", {{"a", DType::kF32, {2}}});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kEnvironment);
    EXPECT_NE(std::string(e.what()).find("no-such-folder"), std::string::npos);
  }
}

TEST(Safetensors, DamagedHeadersAreRefusedWithAReason) {
  const std::string good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  EXPECT_EQ(FileRefusal(Raw(good, 8)), "");
  EXPECT_NE(FileRefusal({}), "");
  EXPECT_NE(FileRefusal(Raw(good, 7)), "") << "cut data";
  EXPECT_NE(FileRefusal(Raw(good, 9)), "") << "bytes after the last tensor";
  auto huge = Raw(good, 8);
  std::memset(huge.data(), 0xff, 8);
  EXPECT_NE(FileRefusal(huge).find("header length"), std::string::npos);
  for (const char* bad : {
           "",
           "[]",
           "{",
           R"({"a":3})",
           R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})",
           R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})",
           R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})",
           R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})",
           R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})",
           R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}})",
           R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}})",
           R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}})",
           R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
           R"("b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
           R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
           R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
           R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
           R"({"__metadata__":{"k":3},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       }) {
    EXPECT_NE(FileRefusal(Raw(bad, 8)), "") << bad;
  }
}

TEST(Safetensors, MissingFilesAreNamed) {
  try {
    SafetensorsFile::Open("nowhere/x.safetensors");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("nowhere/x.safetensors"), std::string::npos);
  }
}

TEST(Safetensors, NoByteStringReadsOutOfBounds) {
  rc::check([](std::vector<std::uint8_t> bytes, std::uint8_t header) {
    std::vector<std::byte> file(8 + bytes.size());
    file[0] = std::byte{header};
    std::transform(
        bytes.begin(), bytes.end(), file.begin() + 8, [](auto b) { return std::byte{b}; });
    try {
      const SafetensorsLayout layout = ParseSafetensors(file, "random");
      for (const TensorInfo& t : layout.tensors)
        RC_ASSERT(layout.data_begin + t.end <= file.size());
    } catch (const Error&) {
    }
  });
}

}  // namespace
}  // namespace cross4d::tensorio
