// SPDX-License-Identifier: Apache-2.0
// The efficiency protocol from an experiment file to a table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string Experiment() {
  return "name = \"cost\"\nseeds = [0]\n"
         "[dataset]\nplugin = \"synthetic4d\"\nsubjects = 4\nactions = 2\nrepetitions = 1\n"
         "frames = 4\npoints = 64\nsurface_points = 600\n"
         "[objective]\nplugin = \"none\"\n"
         "[[evaluate]]\nname = \"cost\"\nprotocol = \"efficiency\"\nbatch = 2\nrounds = 1\n"
         "[grid]\n\"student.plugin\" = [\"p4transformer\", \"simple4d\"]\n"
         "[student.p4transformer]\npreset = \"pst-small\"\n"
         "[[table]]\nname = \"cost\"\nrows = \"student.plugin\"\n"
         "values = [\"cost.parameters\", \"cost.flops\"]\n"
         "[table.reference]\nsimple4d = { \"cost.parameters\" = \"about 1 M\" }\n";
}

TEST(EfficiencyTest, CountsAreStoredAsPlainNumbersAndShownInMillions) {
  const Place place;
  const Result run = place.Run({"run", place.Write("cost.toml", Experiment())});
  ASSERT_TRUE(run.Ok()) << run.err;
  EXPECT_THAT(run.out, HasSubstr("1.116 M (n=1) [about 1 M]"));
  std::map<std::string, double> values;
  for (const json& row :
       place.Sql("SELECT o.value AS student, m.name, m.value FROM metric_final m "
                 "JOIN run_option o ON o.run = m.run AND o.key = 'student.plugin' "
                 "WHERE m.evaluation = 'cost'")) {
    values[row.at("student").get<std::string>() + " " + row.at("name").get<std::string>()] =
        row.at("value").get<double>();
  }
  EXPECT_EQ(values.at("simple4d parameters"), 1115936);
  EXPECT_EQ(values.at("p4transformer parameters"), 259920);
  // 2 x 2 tokens of 80 channels: 96 neighbours, positions, five layers.
  const double embed = 2.0 * 4 * 96 * 4 * 80 + 2.0 * 4 * 4 * 80;
  const double linear = 5 * 2.0 * 4 * (4 * 80 * 80 + 2 * 80 * 160);
  EXPECT_EQ(values.at("p4transformer flops_embed"), embed);
  EXPECT_EQ(values.at("p4transformer flops_without_attention"), embed + linear);
  EXPECT_EQ(values.at("p4transformer flops"), embed + linear + 5 * 4.0 * 4 * 4 * 80);
  for (const char* name : {"clips_per_second_forward", "clips_per_second_step", "peak_memory"})
    EXPECT_GT(values.at("simple4d " + std::string(name)), 0) << name;
  place.ExpectHealthy();
}

TEST(EfficiencyTest, Table09CanBePlanned) {
  const Place place;
  const std::string source = std::getenv("CROSS4D_SOURCE_DIR");
  const json plan =
      place.Run({"plan", "--json", source + "/experiments/paper/table09.toml"}).Json();
  EXPECT_EQ(plan.at("runs").size(), 5u);
}

}  // namespace
}  // namespace cross4d::e2e
