// SPDX-License-Identifier: Apache-2.0
#include "core/base/usage.h"

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

namespace cross4d::base {
namespace {

// cross4d with `run FILE --workers N --db FILE` and `table`.
std::string Complaint(const std::string& line) {
  CLI::App app("", "cross4d");
  app.require_subcommand(1);
  int workers = 0;
  std::string db, file;
  CLI::App* run = app.add_subcommand("run");
  run->add_option("file", file)->required();
  run->add_option("--workers", workers);
  run->add_option("--db", db);
  app.add_subcommand("table");
  try {
    app.parse(line);
  } catch (const CLI::ParseError& error) {
    return UsageMessage(app, error);
  }
  return "";
}

TEST(Usage, NamesTheNearestOptionOrCommand) {
  EXPECT_EQ(Complaint("run x.toml --workers 2"), "");
  EXPECT_EQ(Complaint("run x.toml --wrokers=2"),
            "run: unknown option --wrokers=2; did you mean --workers? (cross4d run --help)");
  EXPECT_EQ(Complaint("run x.toml --qqqqqqqqqqqq"),
            "run: unknown option --qqqqqqqqqqqq (cross4d run --help)");
  EXPECT_EQ(Complaint("tabel"), "unknown command tabel; did you mean table? (cross4d --help)");
  EXPECT_EQ(Complaint("table again"), "table: unexpected again (cross4d table --help)");
}

TEST(Usage, OtherwiseSaysWhatTheParserSays) {
  EXPECT_EQ(Complaint("run"), "run: file is required (cross4d run --help)");
  const std::string text = Complaint("run x.toml --workers many");
  EXPECT_NE(text.find("--workers"), std::string::npos) << text;
  EXPECT_NE(text.find("many"), std::string::npos) << text;
}

}  // namespace
}  // namespace cross4d::base
