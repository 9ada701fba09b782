// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"
#include "core/results/result_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace cross4d::results {
namespace {

/// The whole schema as SQLite keeps it. A released step never changes: a change of this dump needs
/// a new file in schema/ and a new golden file beside the old ones.
std::string Dump(ResultStore& store) {
  std::string text;
  for (const auto& row : store
                             .Query("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT "
                                    "NULL ORDER BY type, name")
                             .rows) {
    text += "-- " + row[0].text + " " + row[1].text + "\n" + row[2].text + ";\n";
  }
  return text;
}

TEST(Schema, EqualsTheGoldenDump) {
  std::string folder = testing::TempDir() + "/cross4d-schema-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ResultStore store = ResultStore::Open(folder + "/results.db", OpenMode::kWrite);
  const std::string name = "v" + std::to_string(store.SchemaVersion()) + ".sql";
  const char* source = std::getenv("CROSS4D_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  const std::filesystem::path golden = std::filesystem::path(source) / "tests/schema" / name;
  if (std::getenv("CROSS4D_UPDATE_GOLDEN")) base::WriteFileAtomically(golden, Dump(store));
  EXPECT_EQ(Dump(store), base::ReadFile(golden))
      << "the schema differs from " << golden << "; CROSS4D_UPDATE_GOLDEN=1 writes it anew";
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace cross4d::results
