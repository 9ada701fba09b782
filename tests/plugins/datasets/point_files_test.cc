// SPDX-License-Identifier: Apache-2.0
// The readers of single files: what they take, and how they refuse the rest.
#include <cross4d/sdk/error.h>
#include <cross4d/sdk/random.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "clips_csv.h"
#include "cloud.h"
#include "lzf.h"

namespace cross4d::point_folder {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Bytes AsBytes(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

template <class T>
std::string Raw(T value, bool big = false) {
  std::string bytes(reinterpret_cast<const char*>(&value), sizeof value);
  return big ? std::string(bytes.rbegin(), bytes.rend()) : bytes;
}

template <class F>
std::string MessageOf(F&& work) {
  try {
    work();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInput);
    return e.what();
  }
  return "no error";
}

// A face list before the vertices, other properties between the wanted ones.
std::string PlyHeader(const std::string& format) {
  return "ply\nformat " + format +
         " 1.0\ncomment made by a test\nelement face 1\nproperty list uchar int vertex_indices\n"
         "element vertex 2\nproperty double x\nproperty uchar red\nproperty float y\n"
         "property short z\nproperty uchar label\nelement edge 9\nproperty int a\nend_header\n";
}

std::string BinaryPly(bool big) {
  std::string file = PlyHeader(big ? "binary_big_endian" : "binary_little_endian");
  file += Raw<std::uint8_t>(3);
  for (const int i : {0, 1, 0}) file += Raw<std::int32_t>(i, big);
  for (const int i : {1, -2}) {
    file += Raw<double>(1.5 * i, big) + Raw<std::uint8_t>(7) + Raw<float>(0.25f * i, big) +
            Raw<std::int16_t>(static_cast<std::int16_t>(3 * i), big) + Raw<std::uint8_t>(4);
  }
  return file;
}

TEST(Ply, ReadsAsciiAndBothByteOrders) {
  const std::string ascii = PlyHeader("ascii") + "3 0 1 0\n1.5 7 .25 3 4\n\n-3 7 -5e-1 -6 4\r\n";
  for (const std::string& file : {ascii, BinaryPly(false), BinaryPly(true)}) {
    const Cloud cloud = ParsePly(AsBytes(file), "f.ply");
    EXPECT_THAT(cloud.xyz, ElementsAre(1.5f, 0.25f, 3, -3, -0.5f, -6));
    EXPECT_THAT(cloud.labels, ElementsAre(4, 4));
  }
}

TEST(Ply, ErrorsNameLineOrOffset) {
  const auto message = [](const std::string& file) {
    return MessageOf([&] { ParsePly(AsBytes(file), "f.ply"); });
  };
  EXPECT_THAT(message("solid x"), AllOf(HasSubstr("f.ply: offset 0"), HasSubstr("not a PLY file")));
  EXPECT_THAT(message("ply\nformat ascii 2.0\n"), HasSubstr("f.ply:2: format"));
  EXPECT_THAT(message("ply\nformat ascii 1.0\nelement vertex 1\nproperty half x\n"),
              AllOf(HasSubstr("f.ply:4"), HasSubstr("'half'")));
  EXPECT_THAT(message("ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\n"
                      "property float y\nend_header\n1 2\n"),
              HasSubstr("no property z"));
  EXPECT_THAT(message("ply\nformat ascii 1.0\n"), HasSubstr("expected end_header"));
  const std::string three =
      "ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\n"
      "property float y\nproperty float z\nend_header\n";
  EXPECT_THAT(message(three + "1 2 3\n"), HasSubstr("after 1 of 2"));
  EXPECT_THAT(message(three + "1 2 3\n1 nan 3\n"),
              AllOf(HasSubstr("f.ply:9"), HasSubstr("point 1: y is nan")));
  EXPECT_THAT(message(three + "1 2 3\n1 b 3\n"), AllOf(HasSubstr("f.ply:9"), HasSubstr("'b'")));
  const std::string cut = BinaryPly(false);
  EXPECT_THAT(message(cut.substr(0, cut.size() - 1)), HasSubstr("after 1 of 2 'vertex' rows"));
}

std::string PcdHeader(const std::string& data) {
  return "# .PCD v.7\nVERSION .7\nFIELDS x y normal z label\nSIZE 4 4 4 8 2\nTYPE F F F F U\n"
         "COUNT 1 1 2 1 1\nWIDTH 2\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS 2\nDATA " +
         data + "\n";
}

std::string PcdPoint(float x, double z) {
  return Raw(x) + Raw(2 * x) + Raw(0.f) + Raw(0.f) + Raw(z) + Raw<std::uint16_t>(3);
}

TEST(Pcd, ReadsAsciiAndBinary) {
  const std::string ascii = PcdHeader("ascii") + "1 2 0 0 3 3\n-1 -2 0 0 -3 3\n";
  const std::string binary = PcdHeader("binary") + PcdPoint(1, 3) + PcdPoint(-1, -3);
  for (const std::string& file : {ascii, binary}) {
    const Cloud cloud = ParsePcd(AsBytes(file), "f.pcd");
    EXPECT_THAT(cloud.xyz, ElementsAre(1, 2, 3, -1, -2, -3));
    EXPECT_THAT(cloud.labels, ElementsAre(3, 3));
  }
}

// As libLZF would without any match: runs of up to 32 literal bytes.
std::string Literal(const std::string& data) {
  std::string packed;
  for (std::size_t at = 0; at < data.size(); at += 32) {
    const std::string run = data.substr(at, 32);
    packed += static_cast<char>(run.size() - 1) + run;
  }
  return packed;
}

TEST(Pcd, ReadsCompressedFieldByField) {
  const std::string columns = Raw(1.f) + Raw(-1.f) + Raw(2.f) + Raw(-2.f) + std::string(16, '\0') +
                              Raw(3.0) + Raw(-3.0) + Raw<std::uint16_t>(3) + Raw<std::uint16_t>(3);
  const std::string packed = Literal(columns);
  const std::string file = PcdHeader("binary_compressed") +
                           Raw(static_cast<std::uint32_t>(packed.size())) +
                           Raw(static_cast<std::uint32_t>(columns.size())) + packed;
  EXPECT_THAT(ParsePcd(AsBytes(file), "f.pcd").xyz, ElementsAre(1, 2, 3, -1, -2, -3));
  EXPECT_THAT(MessageOf([&] { ParsePcd(AsBytes(file.substr(0, file.size() - 1)), "f.pcd"); }),
              HasSubstr("f.pcd: offset"));
}

TEST(Pcd, ErrorsNameLineOrOffset) {
  const auto message = [](const std::string& file) {
    return MessageOf([&] { ParsePcd(AsBytes(file), "f.pcd"); });
  };
  EXPECT_THAT(message("ply\nformat\n"), HasSubstr("not a PCD file"));
  EXPECT_THAT(message(PcdHeader("zip")), AllOf(HasSubstr("f.pcd:11"), HasSubstr("'zip'")));
  EXPECT_THAT(message(PcdHeader("binary") + PcdPoint(1, 3)), HasSubstr("is it cut?"));
  EXPECT_THAT(message(PcdHeader("binary") + PcdPoint(1, 3) + PcdPoint(NAN, 3)),
              HasSubstr("point 1: x is nan"));
  EXPECT_THAT(message("FIELDS x y\nSIZE 4 4\nTYPE F F\nWIDTH 1\nDATA ascii\n"),
              HasSubstr("FIELDS has no z"));
  EXPECT_THAT(message("FIELDS x y z\nSIZE 4 4\n"), HasSubstr("f.pcd:2: SIZE has 2 entries"));
}

TEST(Lzf, CopiesMayOverlap) {
  // 'a', then 9 bytes from one before: a run.
  const std::string packed = std::string("\0a", 2) + static_cast<char>(7 << 5) + '\0' + '\0';
  const auto out = UnpackLzf(AsBytes(packed), 10, "f");
  EXPECT_EQ(std::string(out.begin(), out.end()), "aaaaaaaaaa");
  EXPECT_THAT(MessageOf([&] { UnpackLzf(AsBytes(packed), 9, "f"); }), HasSubstr("longer"));
  EXPECT_THAT(MessageOf([&] { UnpackLzf(AsBytes(packed), 11, "f"); }), HasSubstr("shorter"));
  EXPECT_THAT(MessageOf([&] { UnpackLzf(AsBytes(packed.substr(2)), 9, "f"); }),
              HasSubstr("before the start"));
}

TEST(Xyz, TakesTheUsualSeparators) {
  const std::string file = "# x y z\n1 2 3\n\n4,5, 6,255,0\r\n// end\n+7;8;-9";
  EXPECT_THAT(ParseXyz(AsBytes(file), "f.xyz").xyz, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, -9));
  EXPECT_THAT(ParseXyz({}, "f.xyz").xyz, IsEmpty());
  EXPECT_THAT(MessageOf([] { ParseXyz(AsBytes("1 2 3\n1 2\n"), "f.xyz"); }),
              AllOf(HasSubstr("f.xyz:2"), HasSubstr("expected the number z")));
  EXPECT_THAT(MessageOf([] { ParseXyz(AsBytes("1 2 1e99\n"), "f.xyz"); }),
              HasSubstr("z is infinite"));
  EXPECT_THAT(ParseLabels(AsBytes("0\n-1\n12\n"), "f.txt"), ElementsAre(0, -1, 12));
}

TEST(ClipsCsv, ReadsQuotesAndTextLabels) {
  const ClipsCsv table = ParseClipsCsv(
      "\xef\xbb\xbfid,split,label,note,video,subject\r\n"
      "b,train,\"run, fast\",\"two\nlines \"\"x\"\"\",v1,3\r\n\r\na,test,jump,,,\r\nc,test,,,,\n",
      "clips.csv");
  ASSERT_EQ(table.clips.size(), 3u);
  EXPECT_THAT(table.classes, ElementsAre("jump", "run, fast"));
  EXPECT_EQ(table.clips[0].id, "b");
  EXPECT_EQ(table.clips[0].label, 1);
  EXPECT_EQ(table.clips[0].video, "v1");
  EXPECT_EQ(table.clips[0].subject, 3);
  EXPECT_TRUE(table.clips[0].train);
  EXPECT_EQ(table.clips[1].video, "a");
  EXPECT_EQ(table.clips[1].subject, -1);
  EXPECT_EQ(table.clips[1].line, 5);
  EXPECT_EQ(table.clips[2].label, -1);
}

TEST(ClipsCsv, NumbersAreClassIndices) {
  const ClipsCsv table = ParseClipsCsv("id,label,split\na,2,train\nb,0,test\n", "clips.csv");
  EXPECT_THAT(table.classes, ElementsAre("0", "1", "2"));
  EXPECT_EQ(table.clips[0].label, 2);
}

TEST(ClipsCsv, ErrorsNameTheLine) {
  const auto message = [](const std::string& text) {
    return MessageOf([&] { ParseClipsCsv(text, "clips.csv"); });
  };
  EXPECT_THAT(message(""), HasSubstr("no column `id`"));
  EXPECT_THAT(message("id,label\n"), HasSubstr("no column `split`"));
  EXPECT_THAT(message("id,label,split\n"), HasSubstr("no clip"));
  EXPECT_THAT(message("id,label,split\na,x,val\n"),
              AllOf(HasSubstr("clips.csv:2"), HasSubstr("'val', expected train or test")));
  EXPECT_THAT(message("id,label,split\na,x,train\na,y,test\n"),
              AllOf(HasSubstr("clips.csv:3"), HasSubstr("line 2 already")));
  EXPECT_THAT(message("id,label,split\na,x\n"), HasSubstr("clips.csv:2: 2 fields, expected 3"));
  EXPECT_THAT(message("id,label,split\n,x,train\n"), HasSubstr("the id is empty"));
  EXPECT_THAT(message("id,label,split,subject\na,x,train,Bob\n"), HasSubstr("subject is 'Bob'"));
  EXPECT_THAT(message("id,label,split\n\"a,x,train\n"), HasSubstr("not closed"));
}

// A short, repeatable run over damaged files; tests/fuzz holds the long one.
TEST(PointFiles, DamageEndsInAResultOrAnError) {
  const std::string ply = PlyHeader("ascii") + "3 0 1 0\n1.5 7 .25 3 4\n-3 7 -5e-1 -6 4\n";
  const std::string pcd = PcdHeader("binary") + PcdPoint(1, 3) + PcdPoint(-1, -3);
  using Reader = std::function<void(const std::string&)>;
  const Reader read_ply = [](const std::string& f) { ParsePly(AsBytes(f), "f"); };
  const Reader read_pcd = [](const std::string& f) { ParsePcd(AsBytes(f), "f"); };
  const Reader read_csv = [](const std::string& f) { ParseClipsCsv(f, "f"); };
  const Reader read_lzf = [](const std::string& f) { UnpackLzf(AsBytes(f), 40, "f"); };
  const std::vector<std::pair<std::string, Reader>> cases = {
      {ply, read_ply},
      {BinaryPly(true), read_ply},
      {pcd, read_pcd},
      {PcdHeader("ascii") + "1 2 0 0 3 3\n-1 -2 0 0 -3 3\n", read_pcd},
      {"id,label,split\na,\"x\",train\nb,y,test\n", read_csv},
      {Literal("0123456789") + std::string("\xe0\x0a\x03", 3), read_lzf}};
  for (const auto& [seed, read] : cases) {
    int refused = 0;
    for (std::uint64_t round = 0; round < 3000; ++round) {
      RandomStream random(MixSeed({round}));
      std::string file = seed;
      for (std::uint64_t i = random.Below(3) + 1; i > 0; --i) {
        const std::size_t at = random.Below(file.size());
        if (random.Below(3) == 0) file.resize(at + 1);
        file[at] = static_cast<char>(random.Below(256));
      }
      try {
        read(file);
      } catch (const Error&) {
        ++refused;
      }
    }
    EXPECT_GT(refused, 100);
  }
}

}  // namespace
}  // namespace cross4d::point_folder
