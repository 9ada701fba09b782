// SPDX-License-Identifier: Apache-2.0
// How one cell is written.
#include "core/report/render.h"

#include <gtest/gtest.h>

namespace cross4d::report {
namespace {

Cell CellOf(double mean) {
  Cell cell;
  cell.mean = mean;
  return cell;
}

TEST(CellText, LargeNumbersAreShownInMillionsAndSoOn) {
  EXPECT_EQ(CellText(CellOf(0.8125), 3), "0.812");
  EXPECT_EQ(CellText(CellOf(999999), 1), "999999.0");
  EXPECT_EQ(CellText(CellOf(41993216), 3), "41.993 M");
  EXPECT_EQ(CellText(CellOf(-77.114e9), 1), "-77.1 G");
  EXPECT_EQ(CellText(CellOf(2e12), 0), "2 T");
  Cell cell = CellOf(1.5e6);
  cell.std = 25e4;
  cell.reference = "1.5 M";
  EXPECT_EQ(CellText(cell, 2), "1.50 ± 0.25 M [1.5 M]");
}

}  // namespace
}  // namespace cross4d::report
