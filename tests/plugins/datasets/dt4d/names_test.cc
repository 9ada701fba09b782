// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace cross4d::dt4d_animals {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

SequenceName Parsed(const std::string& text) {
  const auto name = ParseName(text);
  EXPECT_TRUE(name.has_value()) << text;
  return name.value_or(SequenceName{});
}

TEST(Names, SpeciesIndividualAction) {
  const SequenceName bear = Parsed("bear3EP_Agression");
  EXPECT_EQ(bear.category, "bear");
  EXPECT_EQ(bear.identity(), "bear3EP");
  EXPECT_EQ(bear.action, "aggression");
  EXPECT_EQ(Parsed("duck_walk").identity(), "duck");
  EXPECT_EQ(Parsed("huskydog3T_Run").category, "huskydog");
  EXPECT_EQ(Parsed("canieLTT_Sit").category, "canie");
  EXPECT_EQ(Parsed("sheepYZR10_Idle").individual, "YZR10");
  EXPECT_EQ(Parsed("tinyTT1_Move0").action, "move");
}

TEST(Names, ActionsAreMerged) {
  const std::pair<const char*, const char*> cases[] = {{"CrouchbaclRRM", "crouchback"},
                                                       {"Death1", "death"},
                                                       {"death2", "death"},
                                                       {"Dead", "death"},
                                                       {"WalkRM", "walk"},
                                                       {"WalkLRM2", "walk"},
                                                       {"Jump_0", "jump"},
                                                       {"AttackHeadbutt", "attack"},
                                                       {"180", "180"}};
  for (const auto& [motion, action] : cases) {
    EXPECT_EQ(Parsed("foxYSY_" + std::string(motion)).action, action) << motion;
  }
  EXPECT_EQ(Parsed("foxYSY_Walk2RM").motion, "Walk2");
}

TEST(Names, OthersAreNoSequences) {
  for (const char* name : {"", "fox", "_Walk", "fox_", "Fox_Walk", "3fox_Walk", "fox-1_Walk"}) {
    EXPECT_FALSE(ParseName(name).has_value()) << name;
  }
}

TEST(Identities, ThePublishedListAndItsSides) {
  const auto all = OfficialIdentities();
  EXPECT_THAT(all, SizeIs(59));
  std::map<std::string, std::pair<int, int>> sides;  // of each category: train, test
  std::set<std::string_view> names;
  for (const Identity& identity : all) {
    const SequenceName name = Parsed(std::string(identity.name) + "_Walk");
    EXPECT_EQ(name.category, identity.category);
    EXPECT_EQ(IdentityTests(name), identity.tests) << identity.name;
    names.insert(identity.name);
    auto& [train, test] = sides[name.category];
    ++(identity.tests ? test : train);
  }
  EXPECT_THAT(names, SizeIs(59));
  EXPECT_THAT(sides, SizeIs(38));
  int tests = 0;
  for (const auto& [category, side] : sides) {
    tests += side.second;
    EXPECT_GE(side.first, 1) << category << " is not trained";
    EXPECT_EQ(side.second > 0, side.first + side.second > 1) << category;
  }
  EXPECT_EQ(tests, 10);
}

TEST(Identities, NearSiblingsOfOnePackStayTogether) {
  const std::pair<const char*, const char*> siblings[] = {{"horseQ1_Walk", "donkeyQ1_Walk"},
                                                          {"deerQ1_Walk", "stagQ1_Walk"},
                                                          {"foxQ1_Walk", "wolfQ1_Walk"},
                                                          {"huskydogQ1_Walk", "shibadogQ1_Walk"},
                                                          {"bullQ1_Walk", "cowQ1_Walk"}};
  for (const auto& [a, b] : siblings) {
    EXPECT_EQ(FamilyOf(Parsed(a)), FamilyOf(Parsed(b)));
    EXPECT_EQ(IdentityTests(Parsed(a)), IdentityTests(Parsed(b)));
  }
  EXPECT_NE(FamilyOf(Parsed("horseQ1_Walk")), FamilyOf(Parsed("horseQ2_Walk")));
  EXPECT_NE(FamilyOf(Parsed("horseQ1_Walk")), FamilyOf(Parsed("alpacaQ1_Walk")));
}

// One in three: a rule for identities that nobody has listed.
TEST(Identities, UnknownOnesFollowAHash) {
  int tests = 0;
  for (int i = 0; i < 3000; ++i)
    tests += IdentityTests(Parsed("yak" + std::string("Z") + std::to_string(i) + "_Walk"));
  EXPECT_NEAR(tests, 1000, 100);
}

}  // namespace
}  // namespace cross4d::dt4d_animals
