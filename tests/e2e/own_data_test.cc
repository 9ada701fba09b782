// SPDX-License-Identifier: Apache-2.0
// docs/own-data.md as a reader follows it: its Python, its TOML, its commands, its output.
#include "core/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

using testing::HasSubstr;

struct Block {
  std::string language, text;
};

std::vector<Block> Blocks() {
  const char* source = std::getenv("CROSS4D_SOURCE_DIR");
  std::istringstream page(base::ReadFile(std::string(source) + "/docs/own-data.md"));
  std::vector<Block> blocks;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("```")) {
      if (!inside) blocks.push_back({line.substr(3), ""});
      inside = !inside;
    } else if (inside) {
      blocks.back().text += line + "\n";
    }
  }
  return blocks;
}

std::vector<std::string> Words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// CROSS4D_PYTHON names another interpreter than python3.
bool RunPython(const std::string& folder, const std::string& arguments) {
  const char* python = std::getenv("CROSS4D_PYTHON");
  const std::string command = "cd '" + folder + "' && '" +
                              std::string(python == nullptr ? "python3" : python) + "' " +
                              arguments + " 2> python.err";
  return std::system(command.c_str()) == 0;
}

TEST(OwnData, ThePageWorksAsItStands) {
  const Place place;
  const std::string folder = (place / "").string();
  if (!RunPython(folder, "-c 'import numpy'")) GTEST_SKIP() << "no NumPy";
  std::filesystem::current_path(folder);
  Result last;
  int texts = 0;
  for (const Block& block : Blocks()) {
    if (block.language == "python") {
      place.Write("make_data.py", block.text);
      ASSERT_TRUE(RunPython(folder, "make_data.py")) << base::ReadFile(place / "python.err");
      last.out = base::ReadFile(place / "my-data/clips.csv");
      std::erase(last.out, '\r');
    } else if (block.language == "toml") {
      place.Write("my-data.toml", block.text);
    } else if (block.language == "sh") {
      std::istringstream lines(block.text);
      for (std::string line; std::getline(lines, line);) {
        std::vector<std::string> command = Words(line);
        ASSERT_EQ(command.at(0), "cross4d");
        command.erase(command.begin());
        last = place.Run(command);
        ASSERT_TRUE(last.Ok()) << line << "\n" << last.out << last.err;
      }
    } else if (++texts < 3) {
      EXPECT_THAT(last.out, HasSubstr(block.text));
    } else {
      // Of the results the figures may differ with the processor.
      EXPECT_EQ(Words(last.out).at(0), "my-data");
      EXPECT_THAT(last.out, HasSubstr(block.text.substr(0, block.text.find('\n'))));
    }
  }
  EXPECT_EQ(texts, 3);
  EXPECT_TRUE(std::filesystem::exists(place / "look/swing_03_007.ply"));
  EXPECT_TRUE(std::filesystem::exists(place / "look/swing_03.png"));
  EXPECT_THAT(last.err, HasSubstr("0 stages executed")) << "the pack changes no key";
}

}  // namespace
}  // namespace cross4d::e2e
