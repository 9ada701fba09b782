// SPDX-License-Identifier: Apache-2.0
#include "core/report/table_definition.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/refusal.h"

namespace cross4d::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string ErrorOf(const std::string& json) {
  return test::Refusal([&] { ParseTables(json); });
}

TEST(Definition, EverythingOfTheArchitecture) {
  const auto tables = ParseTables(R"([{
    "name": "table01", "rows": "dataset.plugin", "columns": "objective.plugin",
    "value": "probe.accuracy",
    "reference": {"msr-action3d": {"none": "0.42 ± .02", "dense": "0.81 ± .02"}},
    "order": ["none", "global", "dense"], "order_value": "probe-z.accuracy",
    "labels": {"none": "random"},
    "where": {"pretrain.epochs": 100, "dataset.plugin": ["a", "b"],
      "student.absolute_xyz": true}}])");
  ASSERT_EQ(tables.size(), 1u);
  const TableDefinition& d = tables[0];
  EXPECT_THAT(d.rows, ElementsAre("dataset.plugin"));
  EXPECT_THAT(d.values, ElementsAre("probe.accuracy"));
  EXPECT_EQ(d.reference.at("msr-action3d").at("none").at("probe.accuracy"), "0.42 ± .02");
  EXPECT_EQ(d.order_value, "probe-z.accuracy");
  EXPECT_EQ(d.Label("none"), "random");
  EXPECT_EQ(d.Label("dense"), "dense");
  EXPECT_THAT(d.where.at("pretrain.epochs"), ElementsAre("100"));
  EXPECT_THAT(d.where.at("student.absolute_xyz"), ElementsAre("true"));
  EXPECT_EQ(d.best, "row");
  EXPECT_EQ(d.digits, 3);
}

TEST(Definition, ReferencesFollowTheShapeOfTheTable) {
  const auto tables = ParseTables(R"([
    {"name": "a", "rows": "r", "value": "p.x", "reference": {"one": "1.0"}},
    {"name": "b", "rows": "r", "values": ["p.x", "q.x"], "reference": {"one": {"q.x": "2.0"}}},
    {"name": "c", "rows": "r", "columns": "k", "values": ["p.x", "q.x"],
     "reference": {"one": {"k1": {"q.x": "3.0"}}}}])");
  EXPECT_EQ(tables[0].reference.at("one").at("").at("p.x"), "1.0");
  EXPECT_EQ(tables[1].reference.at("one").at("").at("q.x"), "2.0");
  EXPECT_EQ(tables[2].reference.at("one").at("k1").at("q.x"), "3.0");
  EXPECT_EQ(tables[0].best, "column");
}

TEST(Definition, ErrorsNameTableAndKey) {
  EXPECT_THAT(ErrorOf(R"([{"name": "t", "value": "a.b", "colums": "x"}])"),
              testing::AllOf(HasSubstr("'t'"), HasSubstr("did you mean 'columns'")));
  EXPECT_THAT(ErrorOf(R"([{"name": "t"}])"), HasSubstr("exactly one of value and values"));
  EXPECT_THAT(ErrorOf(R"([{"name": "t", "value": "a.b", "values": ["a.b"]}])"),
              HasSubstr("exactly one"));
  EXPECT_THAT(ErrorOf(R"([{"name": "t", "value": "accuracy"}])"), HasSubstr("probe.accuracy"));
  EXPECT_THAT(ErrorOf(R"([{"name": "t", "value": "a.b", "best": "up"}])"),
              HasSubstr("row, column, none"));
  EXPECT_THAT(ErrorOf(R"([{"name": "t", "value": "a.b", "digits": 9}])"), HasSubstr("0 to 6"));
  EXPECT_THAT(ErrorOf(R"([{"name": "t", "value": "a.b", "test": "wilcoxon"}])"),
              HasSubstr("paired-t"));
  EXPECT_THAT(ErrorOf(R"([{"name": "t", "value": "a.b", "rows": 3}])"), HasSubstr("'rows'"));
  EXPECT_THAT(ErrorOf(R"([{"name": "t", "value": "a.b", "where": {"x": {}}}])"),
              HasSubstr("'where'"));
  EXPECT_THAT(ErrorOf(R"([{"name": "t", "value": "a.b", "differences": [{"row": "x"}]}])"),
              HasSubstr("minus"));
  EXPECT_THAT(ErrorOf(R"([{"value": "a.b"}])"), HasSubstr("without a name"));
  EXPECT_THAT(ErrorOf("{"), HasSubstr("not a JSON list"));
}

}  // namespace
}  // namespace cross4d::report
