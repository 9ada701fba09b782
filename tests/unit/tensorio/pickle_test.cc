// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/pickle.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/support/refusal.h"

namespace cross4d::tensorio {
namespace {

using namespace std::string_literals;
using Kind = PickleValue::Kind;
using testing::AllOf;
using testing::HasSubstr;

std::span<const std::byte> Bytes(const std::string& s) { return std::as_bytes(std::span(s)); }

bool AllowSome(std::string_view global) {
  return global == "collections.OrderedDict" || global == "argparse.Namespace" ||
         global == "_codecs.encode";
}

std::string PickleRefusal(const std::string& stream) {
  return test::Refusal([&] { Pickle::Parse(Bytes(stream), "f.pkl", AllowSome); });
}

// Streams as Python's pickle.dumps writes them; the expressions are in the comments.
TEST(Pickle, PlainValues) {
  // (None, True, False, 7, -3, 70000, 2**40, 1.5, 'é', b'\x00\xff')
  const std::string stream =
      "\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00(N\x88\x89K\x07J\xfd\xff\xff\xffJp\x11\x01\x00"s
      "\x8a\x06\x00\x00\x00\x00\x00\x01G?\xf8\x00\x00\x00\x00\x00\x00\x8c\x02\xc3\xa9\x94"s
      "C\x02\x00\xff\x94t\x94."s;
  const Pickle pickle = Pickle::Parse(Bytes(stream), "f", AllowSome);
  const auto& items = pickle.root().items;
  ASSERT_EQ(items.size(), 10u);
  EXPECT_TRUE(items[0]->Is(Kind::kNone));
  EXPECT_EQ(items[1]->integer, 1);
  EXPECT_EQ(items[2]->integer, 0);
  EXPECT_EQ(items[3]->integer, 7);
  EXPECT_EQ(items[4]->integer, -3);
  EXPECT_EQ(items[5]->integer, 70000);
  EXPECT_EQ(items[6]->integer, std::int64_t{1} << 40);
  EXPECT_EQ(items[7]->real, 1.5);
  EXPECT_EQ(items[8]->text, "é");
  EXPECT_EQ(items[9]->text, "\x00\xff"s);
  EXPECT_TRUE(items[9]->Is(Kind::kBytes));
}

TEST(Pickle, CollectionsAndMemo) {
  // a = [1]; {'x': a, 'y': a, 3: (a,)}, protocol 2
  const std::string stream =
      "\x80\x02}q\x00(X\x01\x00\x00\x00xq\x01]q\x02K\x01"
      "aX\x01\x00\x00\x00yq\x03h\x02K\x03h\x02\x85q\x04u."s;
  const Pickle pickle = Pickle::Parse(Bytes(stream), "f", AllowSome);
  const PickleValue* x = pickle.root().Find("x");
  ASSERT_NE(x, nullptr);
  EXPECT_EQ(x, pickle.root().Find("y"));
  ASSERT_EQ(x->items.size(), 1u);
  EXPECT_EQ(x->items[0]->integer, 1);
  EXPECT_EQ(pickle.root().items[5]->items[0], x);
  EXPECT_EQ(pickle.root().Find("z"), nullptr);
}

TEST(Pickle, AllowedGlobalsBecomeRecords) {
  // argparse.Namespace(lr=2), protocol 2
  const std::string stream =
      "\x80\x02"
      "cargparse\nNamespace\nq\x00)\x81q\x01}q\x02X\x02\x00\x00\x00lrq\x03K\x02sb."s;
  const Pickle pickle = Pickle::Parse(Bytes(stream), "f", AllowSome);
  EXPECT_TRUE(pickle.root().Is(Kind::kObject));
  EXPECT_EQ(pickle.root().text, "argparse.Namespace");
  ASSERT_NE(pickle.root().state, nullptr);
  EXPECT_EQ(pickle.root().state->Find("lr")->integer, 2);
}

TEST(Pickle, OrderedDictIsADict) {
  const std::string stream =
      "\x80\x02"
      "ccollections\nOrderedDict\n)Rq\x00X\x01\x00\x00\x00"
      "aK\x05s."s;
  EXPECT_EQ(Pickle::Parse(Bytes(stream), "f", AllowSome).root().Find("a")->integer, 5);
}

TEST(Pickle, BytesOfProtocol2) {
  // b'\xe9A' as _codecs.encode('éA', 'latin1')
  const std::string stream =
      "\x80\x02"
      "c_codecs\nencode\nX\x03\x00\x00\x00\xc3\xa9"
      "AX\x06\x00\x00\x00latin1\x86R."s;
  const Pickle pickle = Pickle::Parse(Bytes(stream), "f", AllowSome);
  EXPECT_TRUE(pickle.root().Is(Kind::kBytes));
  EXPECT_EQ(pickle.root().text,
            "\xe9"
            "A");
}

TEST(Pickle, ForeignGlobalsAreRefusedByName) {
  const std::string by_line =
      "\x80\x02"
      "cposix\nsystem\nX\x04\x00\x00\x00true\x85R."s;
  EXPECT_THAT(PickleRefusal(by_line),
              AllOf(HasSubstr("posix.system"), HasSubstr("f.pkl"), HasSubstr("offset 2")));
  const std::string by_stack =
      "\x80\x04\x8c\x08"
      "builtins\x94\x8c\x04"
      "eval\x94\x93."s;
  EXPECT_THAT(PickleRefusal(by_stack), HasSubstr("builtins.eval"));
  // A dotted name must not reach through an allowed one.
  EXPECT_THAT(PickleRefusal("\x80\x02"
                            "cargparse\nNamespace.x\n."s),
              HasSubstr("argparse.Namespace.x"));
  EXPECT_THAT(PickleRefusal("\x80\x02"
                            "ca\x1b[31m\nb\n."s),
              HasSubstr("a?[31m.b"));
}

TEST(Pickle, DamageIsRefusedWithItsOffset) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "too early"},
      {"\x80\x02", "too early"},
      {"\x80\x01N."s, "protocol 1"},
      {"\x80\x06N."s, "protocol 6"},
      {"\x80\x02.", "empty stack"},
      {"\x80\x02K\x01"
       "a."s,
       "empty stack"},
      {"\x80\x02K\x01K\x02"
       "a."s,
       "no list"},
      {"\x80\x02"
       "t."s,
       "mark"},
      {"\x80\x02h\x05."s, "recalls value 5"},
      {"\x80\x02}(K\x01u."s, "no dictionary"},
      {"\x80\x02(K\x01"
       "d."s,
       "without value"},
      {"\x80\x02X\xff\xff\xff\x7f."s, "too early"},
      {"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff."s, "too early"},
      {"\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01."s, "64 bits"},
      {"\x80\x02K\x01K\x02R."s, "calls what is no global"},
      {"\x80\x02]N"
       "b."s,
       "no object"},
      {"\x80\x02"
       "cargparse"s,
       "line without end"},
      {"\x80\x02i."s, "opcode 105"},
      {"\x80\x02K\x01(."s, "empty stack"}};
  for (const auto& [stream, part] : cases) {
    EXPECT_THAT(PickleRefusal(stream), AllOf(HasSubstr("offset"), HasSubstr(part))) << part;
  }
}

TEST(Pickle, CyclesAndDepthDoNoHarm) {
  // l = []; l.append(l)
  const Pickle cycle = Pickle::Parse(Bytes("\x80\x02]q\x00h\x00"
                                           "a."s),
                                     "f",
                                     AllowSome);
  EXPECT_EQ(cycle.root().items[0], &cycle.root());
  std::string deep = "\x80\x02N"s;
  deep.append(200'000, '\x85');
  deep += '.';
  EXPECT_TRUE(Pickle::Parse(Bytes(deep), "f", AllowSome).root().Is(Kind::kTuple));
}

RC_GTEST_PROP(Pickle, AnyBytesAreReadOrRefused, (std::string bytes)) {
  const std::string stream = "\x80\x04" + bytes + ".";
  try {
    Pickle::Parse(Bytes(stream), "f", AllowSome);
  } catch (const Error& e) {
    RC_ASSERT(e.code() == ErrorCode::kInput);
  }
}

}  // namespace
}  // namespace cross4d::tensorio
