// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/checkpoint.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "tests/support/refusal.h"

namespace cross4d::tensorio {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

// Files that PyTorch wrote; see fixtures/make_fixtures.py.
fs::path Fixture(const std::string& name) {
  return fs::path(std::getenv("CROSS4D_SOURCE_DIR")) / "tests/unit/tensorio/fixtures" / name;
}

template <class T>
std::vector<T> Values(const Checkpoint& checkpoint, const std::string& name) {
  const TensorBytes read = checkpoint.Read(name);
  std::vector<T> values(read.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), read.bytes.data(), read.bytes.size());
  return values;
}

std::string InputRefusal(const std::function<void()>& f) {
  return test::Refusal(f, ErrorCode::kInput);
}

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / "cross4d_checkpoint" /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  void Write(const std::string& file, const std::string& name, std::vector<float> values) {
    SafetensorsWriter writer(folder_ / file,
                             {{name, DType::kF32, {static_cast<std::int64_t>(values.size())}}});
    writer.Write(name, std::as_bytes(std::span(values)));
    writer.Finish();
  }
  fs::path folder_;
};

TEST_F(CheckpointTest, TorchFileGivesItsTensors) {
  const auto c = Checkpoint::Open(Fixture("state.pth"));
  EXPECT_EQ(c->tensors().size(), 8u);
  EXPECT_EQ(Values<float>(*c, "model.w"), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(c->tensors().at("model.w").shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(Values<float>(*c, "model.w_transposed"), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(c->tensors().at("model.w_transposed").shape, (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(Values<float>(*c, "model.w_row"), (std::vector<float>{3, 4, 5}));
  EXPECT_EQ(Values<std::uint16_t>(*c, "model.half"), (std::vector<std::uint16_t>{0x3e00, 0xc000}));
  EXPECT_EQ(c->tensors().at("model.brain").dtype, DType::kBF16);
  EXPECT_EQ(Values<std::int64_t>(*c, "model.long"), (std::vector<std::int64_t>{7}));
  EXPECT_TRUE(c->tensors().at("model.long").shape.empty());
  EXPECT_TRUE(Values<float>(*c, "model.empty").empty());
  EXPECT_EQ(Values<float>(*c, "model.parameter"), (std::vector<float>{0.25f}));
}

TEST_F(CheckpointTest, ForeignGlobalIsRefusedByName) {
  EXPECT_THAT(InputRefusal([] { Checkpoint::Open(Fixture("foreign.pth")); }),
              AllOf(HasSubstr("foreign.pth"), HasSubstr("posix.system")));
}

TEST_F(CheckpointTest, ProgramsAreNoWeights) {
  EXPECT_THAT(InputRefusal([] { Checkpoint::Open(Fixture("script.pt")); }),
              HasSubstr("TorchScript"));
}

TEST_F(CheckpointTest, DamagedBytesFailTheirChecksum) {
  const auto c = Checkpoint::Open(Fixture("checksum.pth"));
  EXPECT_THAT(InputRefusal([&] { c->Read("model.w"); }), HasSubstr("checksum.pth"));
}

TEST_F(CheckpointTest, CutTorchFilesAreRefused) {
  std::ifstream in(Fixture("state.pth"), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  for (std::size_t size = 4; size < whole.size(); size += whole.size() / 23) {
    const fs::path file = folder_ / "cut.pth";
    std::ofstream(file, std::ios::binary) << whole.substr(0, size);
    EXPECT_THAT(InputRefusal([&] { Checkpoint::Open(file); }), HasSubstr("cut.pth")) << size;
  }
}

TEST_F(CheckpointTest, FolderWithOneFile) {
  Write("model.safetensors", "a", {1, 2});
  const auto c = Checkpoint::Open(folder_);
  EXPECT_EQ(c->names(), std::vector<std::string>{"a"});
  EXPECT_EQ(Values<float>(*c, "a"), (std::vector<float>{1, 2}));
  EXPECT_EQ(c->folder(), folder_);
  EXPECT_EQ(c->parameters(), 2u);
  EXPECT_EQ(c->bytes(), 8u);
}

TEST_F(CheckpointTest, ShardsAreOneCheckpoint) {
  Write("x-1.safetensors", "a", {1});
  Write("x-2.safetensors", "b", {2});
  std::ofstream(folder_ / "model.safetensors.index.json")
      << R"({"weight_map": {"a": "x-1.safetensors", "b": "x-2.safetensors"}})";
  const auto c = Checkpoint::Open(folder_);
  EXPECT_EQ(Values<float>(*c, "b"), std::vector<float>{2});
  EXPECT_THAT(c->tensors().at("b").file, HasSubstr("x-2.safetensors"));
}

TEST_F(CheckpointTest, IndexMayNotLeaveTheFolder) {
  for (const char* name : {"../x.safetensors", "/x", "a/b", "..", "", "a\\b"}) {
    std::ofstream(folder_ / "model.safetensors.index.json")
        << R"({"weight_map": {"a": ")" << (std::string(name) == "a\\b" ? "a\\\\b" : name) << "\"}}";
    EXPECT_THAT(InputRefusal([&] { Checkpoint::Open(folder_); }), HasSubstr("plain file name"))
        << name;
  }
}

TEST_F(CheckpointTest, WhatIsNoCheckpointIsRefused) {
  EXPECT_THAT(InputRefusal([&] { Checkpoint::Open(folder_); }), HasSubstr("no model.safetensors"));
  EXPECT_THAT(InputRefusal([&] { Checkpoint::Open(folder_ / "absent"); }), HasSubstr("absent"));
  std::ofstream(folder_ / "a.pth") << "\x80\x02 old";
  EXPECT_THAT(InputRefusal([&] { Checkpoint::Open(folder_ / "a.pth"); }),
              HasSubstr("before version 1.6"));
  std::ofstream(folder_ / "b.bin") << "hello";
  EXPECT_THAT(InputRefusal([&] { Checkpoint::Open(folder_); }),
              AllOf(HasSubstr("a.pth"), HasSubstr("b.bin")));
  std::ofstream(folder_ / "model.safetensors") << "version https://git-lfs.github.com/spec/v1\noid";
  EXPECT_THAT(InputRefusal([&] { Checkpoint::Open(folder_); }), HasSubstr("git lfs pull"));
}

TEST_F(CheckpointTest, FingerprintFollowsTheContent) {
  const auto print = [&](std::vector<float> values, const std::string& name = "a") {
    Write("model.safetensors", name, std::move(values));
    return Checkpoint::Open(folder_)->Fingerprint();
  };
  const std::string first = print({1, 2});
  EXPECT_EQ(first.size(), 16u);
  EXPECT_EQ(print({1, 2}), first);
  EXPECT_NE(print({1, 3}), first);
  EXPECT_NE(print({1, 2, 0}), first);
  EXPECT_NE(print({1, 2}, "b"), first);
  std::ofstream(folder_ / "config.json") << "{}";
  EXPECT_NE(print({1, 2}), first);
}

}  // namespace
}  // namespace cross4d::tensorio
