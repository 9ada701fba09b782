// SPDX-License-Identifier: Apache-2.0
#include "core/protocol/stage_spec.h"

#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace cross4d::protocol {
namespace {

StageSpec Encoder() {
  StageSpec s;
  s.key = "ab12";
  s.kind = kEncoder;
  s.folder = "/store/stages/ab/ab12";
  s.attempt = 2;
  s.writer = "w7";
  s.seed = 1;
  s.plugins["student"] = {"point4d",
                          "1.0.0",
                          "/p/cross4d_student_point4d.so",
                          "beef",
                          "cafe",
                          {{"dim", std::int64_t{96}},
                           {"scale", 12.0},
                           {"on", true},
                           {"mode", std::string("joint")},
                           {"widths", std::vector<std::int64_t>{32, 48}},
                           {"levels", std::vector<double>{0.5, 1.0}},
                           {"names", std::vector<std::string>{"a", "b"}}},
                          "fp",
                          "/data"};
  s.options["pretrain"] = {{"lr", 3e-3}, {"epochs", std::int64_t{20}}};
  s.inputs = {{"tokens", "/store/stages/cd/cd34/artifact"}};
  s.label = "dense seed 1";
  return s;
}

TEST(StageSpec, RoundTripsThroughText) {
  const StageSpec s = Encoder();
  const StageSpec back = SpecFromJson(nlohmann::json::parse(ToJson(s).dump()));
  EXPECT_EQ(ToJson(back), ToJson(s));
  EXPECT_EQ(back.plugins.at("student").options, s.plugins.at("student").options);
  EXPECT_EQ(back.plugins.at("student").fingerprint_location, "/data");
  EXPECT_EQ(back.options, s.options);
  EXPECT_EQ(back.inputs, s.inputs);
}

TEST(StageSpec, Paths) {
  const StageSpec s = Encoder();
  EXPECT_EQ(s.Spool(), "/store/stages/ab/ab12/events.2.w7.jsonl");
  EXPECT_EQ(s.Work(), "/store/stages/ab/ab12/work.2.w7");
  EXPECT_EQ(s.Artifact(), "/store/stages/ab/ab12/artifact");
  EXPECT_EQ(s.Checkpoint(), "/store/stages/ab/ab12/checkpoint");
}

TEST(StageSpec, SaysWhatIsWrong) {
  auto json = ToJson(Encoder());
  json["format"] = 2;
  try {
    SpecFromJson(json);
    FAIL() << "format 2 was read";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("format 2"), std::string::npos) << e.what();
  }
  json = ToJson(Encoder());
  json.erase("key");
  EXPECT_THROW(SpecFromJson(json), Error);
  json = ToJson(Encoder());
  json["options"]["pretrain"]["lr"] = nlohmann::json::object();
  EXPECT_THROW(SpecFromJson(json), Error);
}

TEST(StageSpec, EveryKindHasAVersion) {
  for (const char* kind : {kTokens, kFeatures, kTargets, kEncoder, kEmbeddings, kEvaluation}) {
    EXPECT_GE(StageVersion(kind), 1) << kind;
  }
  EXPECT_THROW(StageVersion("cake"), Error);
}

}  // namespace
}  // namespace cross4d::protocol
