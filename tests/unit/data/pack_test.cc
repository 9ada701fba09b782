// SPDX-License-Identifier: Apache-2.0
#include "core/data/pack.h"

#include "core/data/sources.h"
#include "core/targets/stages.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/targets/toy.h"

namespace cross4d::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using toy::Folder;

// The toy data set with labels, ids, names and a fingerprint.
class Labelled : public toy::ToyDataset {
 public:
  Clip Load(std::int64_t index) const override {
    if (index == kill_at) throw Error(ErrorCode::kEnvironment, "interrupted");
    Clip clip = toy::ToyDataset::Load(index);
    clip.part_labels = torch::arange(24).view({4, 6}) % 3 - 1;
    clip.correspondence = torch::arange(24).view({4, 6}) + index;
    return clip;
  }
  Viewpoint viewpoint() const override { return {{1, 0, 0}, {0, 0, 1}}; }
  std::vector<std::string> part_names() const override { return {"a", "b"}; }
  std::string Fingerprint() const override { return "9 files, 00ff"; }

  std::int64_t kill_at = -1;
};

PackSource Source() { return {"toy", "1.0.0", R"({"frames":4,"points":6})"}; }

PackResult Write(const Dataset& dataset, const fs::path& file, int threads = 1) {
  return WritePack(dataset, Source(), file, threads, [](std::int64_t) {});
}

std::string Text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

template <class F>
std::string Message(ErrorCode code, F&& work) {
  try {
    work();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code);
    return e.what();
  }
  return "no error";
}

void ExpectSame(const Dataset& a, const Dataset& b) {
  ASSERT_EQ(a.clips().size(), b.clips().size());
  for (std::size_t i = 0; i < a.clips().size(); ++i) {
    EXPECT_EQ(a.clips()[i].id, b.clips()[i].id);
    EXPECT_EQ(a.clips()[i].video, b.clips()[i].video);
    EXPECT_EQ(a.clips()[i].label, b.clips()[i].label);
    EXPECT_EQ(a.clips()[i].subject, b.clips()[i].subject);
    EXPECT_EQ(a.clips()[i].split, b.clips()[i].split);
    const Clip x = a.Load(static_cast<std::int64_t>(i)), y = b.Load(static_cast<std::int64_t>(i));
    EXPECT_TRUE(torch::equal(x.points, y.points));
    EXPECT_TRUE(torch::equal(x.part_labels, y.part_labels));
    EXPECT_TRUE(torch::equal(x.correspondence, y.correspondence));
    EXPECT_EQ(y.part_labels.scalar_type(), torch::kInt64);
  }
  EXPECT_EQ(a.class_names(), b.class_names());
  EXPECT_EQ(a.part_names(), b.part_names());
  EXPECT_EQ(a.viewpoint().forward, b.viewpoint().forward);
  EXPECT_EQ(a.viewpoint().up, b.viewpoint().up);
  EXPECT_EQ(a.Fingerprint(), b.Fingerprint());
}

TEST(Pack, HoldsTheDataSetWhole) {
  const Labelled dataset;
  const fs::path file = Folder("pack") / "toy.pack";
  const PackResult result = Write(dataset, file);
  EXPECT_EQ(result.clips, 9);
  EXPECT_EQ(result.frames, 4);
  EXPECT_EQ(result.points, 6);
  EXPECT_EQ(result.kept, 0);
  EXPECT_EQ(result.bytes, fs::file_size(file));
  EXPECT_FALSE(fs::exists(file.string() + ".partial"));
  const auto packed = PackedDataset::Open(file, Source());
  ExpectSame(dataset, *packed);
  EXPECT_TRUE(LoadClip(*packed, 0, 4, 6).points.is_contiguous());
  const fs::path again = Folder("pack2") / "toy.pack";
  Write(dataset, again, 3);
  EXPECT_EQ(Text(file), Text(again)) << "bytes do not depend on threads";
}

TEST(Pack, GoesOnWhereItWasInterrupted) {
  Labelled dataset;
  const fs::path whole = Folder("pack_whole") / "toy.pack", file = Folder("pack_cut") / "toy.pack";
  Write(dataset, whole);
  dataset.kill_at = 8;
  EXPECT_THROW(Write(dataset, file), Error);
  EXPECT_FALSE(fs::exists(file));
  dataset.kill_at = -1;
  dataset.loads = 0;
  const PackResult result = Write(dataset, file);
  EXPECT_EQ(result.kept, 8);
  EXPECT_EQ(dataset.loads, 2) << "the first clip, for the shape, and the one that was missing";
  EXPECT_EQ(Text(file), Text(whole));
}

TEST(Pack, OtherSettingsStartAnew) {
  Labelled dataset;
  const fs::path file = Folder("pack_other") / "toy.pack";
  dataset.kill_at = 8;
  EXPECT_THROW(Write(dataset, file), Error);
  dataset.kill_at = -1;
  PackSource other = Source();
  other.version = "1.1.0";
  EXPECT_EQ(WritePack(dataset, other, file, 1, [](std::int64_t) {}).kept, 0);
}

TEST(Pack, UnreadableClipsStayUnreadable) {
  Labelled dataset;
  dataset.bad_clip = 4;
  const fs::path file = Folder("pack_skip") / "toy.pack";
  EXPECT_THAT(Message(ErrorCode::kInput, [&] { Write(dataset, file); }),
              HasSubstr("clip c4 › the file is cut"));
  dataset.skip = true;
  dataset.known = {{"x.bin", "missing"}};
  const fs::path skipping = Folder("pack_skipping") / "toy.pack";
  EXPECT_EQ(Write(dataset, skipping).unreadable, 1);
  const auto packed = PackedDataset::Open(skipping);
  EXPECT_TRUE(packed->skip_unreadable());
  EXPECT_EQ(packed->problems().at(0).what, "missing");
  EXPECT_THAT(packed->Unreadable(), ElementsAre(Pair("c4", "the file is cut")));
  EXPECT_EQ(Message(ErrorCode::kInput, [&] { LoadClip(*packed, 4, 0, 0); }),
            Message(ErrorCode::kInput, [&] { LoadClip(dataset, 4, 0, 0); }));
  // A stage makes the same of both.
  toy::Recorder a, b;
  const fs::path from_data = Folder("pack_data"), from_pack = Folder("pack_pack");
  targets::RunTokens(dataset, toy::ToyStudent(), from_data, 1, a);
  targets::RunTokens(*packed, toy::ToyStudent(), from_pack, 1, b);
  for (const char* name : {kTokensFile, kClipTableFile}) {
    EXPECT_EQ(Text(from_data / name), Text(from_pack / name));
  }
  EXPECT_EQ(a.log, b.log);
  EXPECT_EQ(a.metrics, b.metrics);
}

TEST(Pack, RefusesAnotherSourceWithBothValues) {
  const fs::path file = Folder("pack_source") / "toy.pack";
  Write(Labelled(), file);
  const auto open = [&](const PackSource& wanted) {
    return Message(ErrorCode::kInput, [&] { PackedDataset::Open(file, wanted); });
  };
  EXPECT_THAT(open({"toy", "1.0.0", R"({"frames":4,"points":12})"}),
              AllOf(HasSubstr("toy.pack"), HasSubstr("points is 6 in the pack, wanted is 12")));
  EXPECT_THAT(open({"toy", "2.0.0", Source().options}),
              HasSubstr("the pack is of toy 1.0.0, wanted is toy 2.0.0"));
  EXPECT_THAT(open({"msr", "1.0.0", Source().options}), HasSubstr("wanted is msr 1.0.0"));
}

TEST(Pack, DamageIsFound) {
  const fs::path file = Folder("pack_damage") / "toy.pack";
  Write(Labelled(), file);
  const std::string good = Text(file);
  const auto open = [&](std::string text) {
    std::ofstream(file, std::ios::binary) << text;
    return PackedDataset::Open(file);
  };
  std::string bytes = good;
  bytes[good.size() - 9 * (16 + 512) - 5] ^= 1;  // in the last clip's correspondence
  const auto packed = open(bytes);
  packed->Load(7);
  EXPECT_THAT(Message(ErrorCode::kEnvironment, [&] { LoadClip(*packed, 8, 0, 0); }),
              AllOf(HasSubstr("clip c8"), HasSubstr("toy.pack"), HasSubstr("damaged")));
  bytes = good;
  bytes.replace(bytes.find("9 files"), 1, "8");
  EXPECT_THAT(Message(ErrorCode::kInput, [&] { open(bytes); }),
              HasSubstr("the header's checksum is"));
  EXPECT_THAT(Message(ErrorCode::kInput, [&] { open(good.substr(0, good.size() - 1)); }),
              HasSubstr("toy.pack"));
  EXPECT_THAT(Message(ErrorCode::kInput, [&] { open("no pack at all"); }), HasSubstr("toy.pack"));
}

}  // namespace
}  // namespace cross4d::data
