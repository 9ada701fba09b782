// SPDX-License-Identifier: Apache-2.0
#include "core/report/table.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/results/support.h"

namespace cross4d::report {
namespace {

using results::Done;
using results::OpenMode;
using results::Request;
using results::ResultStore;
using results::TempFolder;
using results::TestPlan;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kObjectives[] = {"none", "global", "dense"};

/// Two data sets × three objectives × three seeds, with the evaluations probe and probe-z.
class TableTest : public testing::Test {
 protected:
  void Record(const std::string& tables, int seeds = 3) {
    plan_.record.tables = tables;
    for (const char* dataset : {"msr", "utd"}) {
      for (const char* objective : kObjectives) {
        for (int seed = 0; seed < seeds; ++seed) {
          plan_.Run(Key(dataset, objective, seed),
                    seed,
                    {{"dataset.plugin", dataset}, {"objective.plugin", objective}},
                    {"probe", "probe-z"});
        }
      }
    }
    store_.RecordPlan(plan_.record);
  }
  static std::string Key(const std::string& dataset, const std::string& objective, int seed) {
    return dataset + objective + std::to_string(seed);
  }
  void Finish(const std::string& run,
              const std::string& evaluation,
              double accuracy,
              int threads = 1) {
    results::ClaimRequest request = Request("a0" + run + evaluation);
    request.environment.threads = threads;
    const auto claim = store_.Claim(request);
    ASSERT_EQ(store_.Finish(Done(request.stage, claim.attempt, "w1", {{"accuracy", -1, accuracy}})),
              results::WriteResult::kWritten);
  }
  /// msr: none 0.30, global 0.50, dense 0.80 (+ 0.01 per seed); utd 0.1 less; probe-z 0.05 more.
  void FinishAll() {
    for (const char* dataset : {"msr", "utd"}) {
      for (int i = 0; i < 3; ++i) {
        for (int seed = 0; seed < 3; ++seed) {
          const double means[] = {0.3, 0.5, 0.8};
          // The middle seed's offset differs, so that paired differences are not constant.
          const double value = means[i] + 0.01 * seed + (seed == 1 ? 0.002 * i : 0) -
                               (std::string(dataset) == "utd" ? 0.1 : 0);
          Finish(Key(dataset, kObjectives[i], seed), "probe", value);
          Finish(Key(dataset, kObjectives[i], seed), "probe-z", value + 0.05);
        }
      }
    }
  }
  std::string Text(const RenderOptions& options = {}) {
    return Render(BuildTables(store_), options);
  }

  TempFolder folder_;
  TestPlan plan_;
  ResultStore store_ = ResultStore::Open(folder_ / "results.db", OpenMode::kWrite);
};

constexpr const char* kTable =
    R"([{"name": "t", "rows": "dataset.plugin", "columns": "objective.plugin",
  "value": "probe.accuracy", "order": ["none", "global", "dense"], "labels": {"none": "random"}}])";

TEST_F(TableTest, TextWithMeanStdAndOrder) {
  Record(kTable);
  FinishAll();
  EXPECT_EQ(Text(),
            "t\n"
            "dataset.plugin  random               global               dense\n"
            "msr             0.310 ± 0.010 (n=3)  0.511 ± 0.010 (n=3)  0.811 ± 0.010 (n=3) *\n"
            "utd             0.210 ± 0.010 (n=3)  0.411 ± 0.010 (n=3)  0.711 ± 0.010 (n=3) *\n"
            "random < global < dense: holds\n");
}

TEST_F(TableTest, IncompleteCellsSayHowMany) {
  Record(kTable);
  Finish(Key("msr", "none", 1), "probe", 0.25);
  const Table table = BuildTables(store_)[0];
  EXPECT_EQ(table.cells[0][0].n(), 1);
  EXPECT_EQ(table.cells[0][0].planned, 3);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("0.250 (1/3)"));
  EXPECT_THAT(text, HasSubstr("– (0/3)"));
  EXPECT_THAT(text, testing::EndsWith("random < global < dense: does not hold\n"));
}

TEST_F(TableTest, OrderIsStrict) {
  Record(kTable, 1);
  for (const char* dataset : {"msr", "utd"}) {
    Finish(Key(dataset, "none", 0), "probe", 0.25);
    Finish(Key(dataset, "global", 0), "probe", 0.25);
    Finish(Key(dataset, "dense", 0), "probe", 0.5);
  }
  EXPECT_EQ(BuildTables(store_)[0].order_line, "random < global < dense: does not hold");
}

TEST_F(TableTest, OrderMustHoldInEveryRow) {
  Record(kTable, 1);
  const double values[2][3] = {{0.1, 0.2, 0.3}, {0.1, 0.3, 0.2}};
  for (int d = 0; d < 2; ++d) {
    for (int i = 0; i < 3; ++i) {
      Finish(Key(d ? "utd" : "msr", kObjectives[i], 0), "probe", values[d][i]);
    }
  }
  EXPECT_EQ(BuildTables(store_)[0].order_line, "random < global < dense: does not hold");
}

TEST_F(TableTest, ValuesAsColumnsAndOrderOverRows) {
  Record(
      R"([{"name": "q", "rows": "objective.plugin",
    "values": ["probe.accuracy", "probe-z.accuracy"],
    "where": {"dataset.plugin": "msr"}, 
    "labels": {"probe.accuracy": "raw", "probe-z.accuracy": "z-scored",
    "none": "random"}, "order": ["none", "global", "dense"], "order_value": "probe.accuracy"}])");
  FinishAll();
  EXPECT_EQ(Text(),
            "q\n"
            "objective.plugin  raw                    z-scored\n"
            "random            0.310 ± 0.010 (n=3)    0.360 ± 0.010 (n=3)\n"
            "global            0.511 ± 0.010 (n=3)    0.561 ± 0.010 (n=3)\n"
            "dense             0.811 ± 0.010 (n=3) *  0.861 ± 0.010 (n=3) *\n"
            "random < global < dense: holds\n");
}

TEST_F(TableTest, OrderValueNeedNotBeShown) {
  Record(R"([{"name": "q", "rows": "objective.plugin", "value": "probe.accuracy",
    "order": ["none", "dense"], "order_value": "probe-z.accuracy"}])");
  Finish(Key("msr", "none", 0), "probe-z", 0.1);
  Finish(Key("msr", "dense", 0), "probe-z", 0.2);
  EXPECT_EQ(BuildTables(store_)[0].order_line, "none < dense: holds");
}

TEST_F(TableTest, StyleIsOnlyForWhoAsks) {
  Record(kTable);
  FinishAll();
  EXPECT_THAT(Text(), Not(HasSubstr("\x1b")));
  RenderOptions options;
  options.style = true;
  EXPECT_THAT(Text(options), HasSubstr("\x1b[1m0.811 ± 0.010 (n=3)\x1b[0m\n"));
}

TEST_F(TableTest, MarkdownAndLatex) {
  Record(
      R"([{"name": "t", "title": "A_1 & more", "rows": "dataset.plugin",
    "columns": "objective.plugin",
    "value": "probe.accuracy", "where": {"dataset.plugin": ["msr"]},
    "reference": {"msr": {"dense": "0.81 ± .02"}, "ntu-60": {"none": "0.1"}}}])");
  FinishAll();
  RenderOptions options;
  options.format = Format::kMarkdown;
  EXPECT_EQ(
      Text(options),
      "**A\\_1 & more**\n\n"
      "| dataset.plugin | none | global | dense |\n|---|---:|---:|---:|\n"
      "| msr | 0.310 ± 0.010 (n=3) | 0.511 ± 0.010 (n=3) | **0.811 ± 0.010 (n=3) [0.81 ± .02]** |\n"
      "| ntu-60 | – [0.1] | – | – |\n");
  options.format = Format::kLatex;
  const std::string latex = Text(options);
  EXPECT_THAT(latex, HasSubstr("\\caption{A\\_1 \\& more}"));
  EXPECT_THAT(latex, HasSubstr("\\textbf{0.811 $\\pm$ 0.010 (n=3) [0.81 $\\pm$ .02]} \\\\\n"));
  EXPECT_THAT(latex, HasSubstr("\\toprule"));
  EXPECT_THAT(latex, HasSubstr("ntu-60 & -- [0.1] & -- & -- \\\\\n\\bottomrule"));
}

TEST_F(TableTest, CsvAndJsonCarryFullPrecision) {
  Record(kTable, 1);
  Finish(Key("msr", "none", 0), "probe", 0.1 + 0.2);
  RenderOptions options;
  options.format = Format::kCsv;
  options.trace = true;
  const std::string csv = Text(options);
  EXPECT_THAT(csv,
              testing::StartsWith(
                  "experiment,table,row,column,value,mean,std,n,planned,best,p,reference,runs\n"
                  "grid,t,msr,none,probe.accuracy,0.30000000000000004,,1,1,false,,,msrnone0\n"));
  options.format = Format::kJson;
  const std::string json = Text(options);
  EXPECT_THAT(json, HasSubstr("\"mean\": 0.30000000000000004"));
  EXPECT_THAT(json, HasSubstr("\"mean\": null"));
  EXPECT_THAT(json, HasSubstr("\"order\": \"random < global < dense: does not hold\""));
}

TEST_F(TableTest, TraceLeadsToRunKeys) {
  Record(kTable);
  RenderOptions options;
  options.trace = true;
  EXPECT_THAT(Text(options), HasSubstr("trace msr | random: msrnone0 msrnone1 msrnone2\n"));
}

TEST_F(TableTest, PairedTestAgainstTheBest) {
  Record(R"([{"name": "t", "rows": "dataset.plugin", "columns": "objective.plugin",
    "value": "probe.accuracy", "test": "paired-t"}])");
  FinishAll();
  const Table table = BuildTables(store_)[0];
  EXPECT_FALSE(table.cells[0][2].p_value) << "the best is not tested against itself";
  ASSERT_TRUE(table.cells[0][0].p_value && table.cells[0][1].p_value);
  EXPECT_LT(*table.cells[0][0].p_value, 0.001);
  EXPECT_THAT(Text(), HasSubstr("(n=3, p<0.001)"));
}

TEST_F(TableTest, DifferenceRowsPairSeeds) {
  Record(R"([{"name": "t", "rows": "objective.plugin", "value": "probe.accuracy",
    "where": {"dataset.plugin": "msr"}, "test": "paired-t", "test_against": "none",
    "differences": [{"row": "dense", "minus": "none", "label": "gain"}]}])");
  Finish(Key("msr", "none", 0), "probe", 0.25);
  Finish(Key("msr", "none", 1), "probe", 0.5);
  Finish(Key("msr", "dense", 0), "probe", 0.5);
  Finish(Key("msr", "dense", 1), "probe", 0.875);
  Finish(Key("msr", "dense", 2), "probe", 100);  // no partner: not in the difference
  const Table table = BuildTables(store_)[0];
  const Cell& gain = table.cells[3][0];
  EXPECT_EQ(table.rows[3].text, "gain");
  EXPECT_EQ(gain.mean, 0.3125);
  EXPECT_EQ(gain.n(), 2);
  EXPECT_EQ(gain.planned, 3);
  EXPECT_TRUE(gain.p_value.has_value());
  EXPECT_FALSE(gain.best);
}

TEST_F(TableTest, LessIsBetterForLosses) {
  Record(R"([{"name": "t", "rows": "objective.plugin", "value": "probe.loss",
    "where": {"dataset.plugin": "msr"}}])",
         1);
  for (int i = 0; i < 3; ++i) {
    const std::string stage = "a0" + Key("msr", kObjectives[i], 0) + "probe";
    store_.Claim(Request(stage));
    store_.Finish(Done(stage, 1, "w1", {{"loss", -1, 1.0 + i}}));
  }
  const Table table = BuildTables(store_)[0];
  EXPECT_TRUE(table.cells[0][0].best);
  EXPECT_FALSE(table.cells[2][0].best);
}

TEST_F(TableTest, OldRunsNeverLeakIntoACell) {
  Record(kTable);
  FinishAll();
  TestPlan smaller;
  smaller.record.tables = kTable;
  for (const char* objective : kObjectives) {
    smaller.Run(Key("msr", objective, 0),
                0,
                {{"dataset.plugin", "msr"}, {"objective.plugin", objective}},
                {"probe"});
  }
  store_.RecordPlan(smaller.record);
  const Table table = BuildTables(store_)[0];
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_EQ(table.cells[0][2].planned, 1);
  EXPECT_EQ(table.cells[0][2].mean, 0.8);
}

TEST_F(TableTest, MixedThreadsAndPooledAxesAreSaid) {
  plan_.record.tables = R"([{"name": "t", "rows": "objective.plugin", "value": "probe.accuracy"}])";
  plan_.Run("r1", 0, {{"objective.plugin", "dense"}, {"pretrain.epochs", "10"}});
  plan_.Run("r2", 0, {{"objective.plugin", "dense"}, {"pretrain.epochs", "20"}});
  store_.RecordPlan(plan_.record);
  Finish("r1", "probe", 0.5, 1);
  EXPECT_THAT(BuildTables(store_)[0].warnings, testing::ElementsAre(HasSubstr("pretrain.epochs")));
  Finish("r2", "probe", 0.5, 2);
  EXPECT_THAT(Text(),
              HasSubstr("warning: cell 'dense, probe.accuracy' mixes thread counts: 1, 2\n"));
}

TEST_F(TableTest, NamesAreFoundOrSuggested) {
  Record(kTable);
  EXPECT_EQ(BuildTables(store_, {"t"}).size(), 1u);
  EXPECT_EQ(BuildTables(store_, {"grid/t"}).size(), 1u);
  EXPECT_EQ(BuildExperimentTables(store_, "grid").size(), 1u);
  EXPECT_THAT(BuildExperimentTables(store_, "other"), IsEmpty());
  EXPECT_THROW(BuildTables(store_, {"t", "nothing"}), Error);
}

TEST_F(TableTest, CheckAgainstAFile) {
  Record(kTable);
  FinishAll();
  const std::string text = Text(), file = (folder_ / "expected.txt").string();
  std::ofstream(file) << text;
  EXPECT_EQ(CheckAgainst(text, file), "");
  std::ofstream(file) << text.substr(0, text.size() - 6) << "x\n";
  EXPECT_THAT(CheckAgainst(text, file), HasSubstr(":5: expected 'random < global < dense: x'"));
  std::ofstream(file) << text << "more\n";
  EXPECT_THAT(CheckAgainst(text, file), HasSubstr("expected 'more', found the end"));
  EXPECT_THROW(CheckAgainst(text, (folder_ / "missing").string()), Error);
}

TEST_F(TableTest, BytesDoNotDependOnTheOrderOfFinishing) {
  Record(kTable);
  FinishAll();
  TempFolder other_folder;
  ResultStore other = ResultStore::Open(other_folder / "results.db", OpenMode::kWrite);
  other.RecordPlan(plan_.record);
  const auto rows = store_
                        .Query(
                            "SELECT s.key, m.value FROM metrics AS m JOIN stages AS s ON s.id = "
                            "m.stage ORDER BY s.key DESC")
                        .rows;
  for (const auto& row : rows) {
    other.Claim(Request(row[0].text, "w2"));
    other.Finish(Done(row[0].text, 1, "w2", {{"accuracy", -1, std::stod(row[1].text)}}));
  }
  for (const char* format : {"text", "markdown", "latex", "csv", "json"}) {
    RenderOptions options;
    options.format = ParseFormat(format);
    options.trace = true;
    EXPECT_EQ(Render(BuildTables(other), options), Text(options)) << format;
  }
}

TEST_F(TableTest, TheViewSaysTheSameAsTheTable) {
  Record(kTable);
  FinishAll();
  const Table table = BuildTables(store_)[0];
  const auto rows =
      store_.Query("SELECT row, \"column\", mean, std, n, planned FROM table_cell WHERE name = 't'")
          .rows;
  ASSERT_EQ(rows.size(), 6u);
  for (const auto& row : rows) {
    const std::size_t r = row[0].text == "msr" ? 0 : 1;
    const std::size_t c = row[1].text == "none" ? 0 : row[1].text == "global" ? 1 : 2;
    EXPECT_NEAR(std::stod(row[2].text), *table.cells[r][c].mean, 1e-12);
    EXPECT_NEAR(std::stod(row[3].text), *table.cells[r][c].std, 1e-9);
    EXPECT_EQ(row[4].text, "3");
    EXPECT_EQ(row[5].text, "3");
  }
}

TEST(DisplayWidthTest, CountsColumnsNotBytes) {
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("0.1 ± 0.2"), 9);
  EXPECT_EQ(DisplayWidth("–"), 1);
  EXPECT_EQ(DisplayWidth("動作"), 4);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);
  EXPECT_EQ(DisplayWidth("\xff\xfe"), 2);
}

TEST(FormatTest, UnknownNamesListTheKnown) { EXPECT_THROW(ParseFormat("html"), Error); }

}  // namespace
}  // namespace cross4d::report
