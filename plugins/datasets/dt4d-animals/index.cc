// SPDX-License-Identifier: Apache-2.0
#include "index.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/random.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace cross4d::dt4d_animals {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExpected =
    "expected the DeformingThings4D folder that holds animals/NAME/NAME.anime";

// All entries of a folder, sorted; none if it cannot be read.
std::vector<fs::path> EntriesOf(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    entries.push_back(it->path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

// The .anime file that an entry stands for; empty = none.
fs::path AnimeOf(const fs::path& entry) {
  std::error_code error;
  if (entry.extension() == ".anime") return entry;
  const fs::path inside = entry / (entry.filename().string() + ".anime");
  return fs::is_regular_file(inside, error) ? inside : fs::path();
}

Index SequencesIn(const fs::path& folder) {
  Index index;
  std::map<std::string, Sequence> found;
  for (const fs::path& entry : EntriesOf(folder)) {
    const fs::path file = AnimeOf(entry);
    if (file.empty()) continue;
    const auto name = ParseName(file.stem().string());
    if (!name) {
      index.other.push_back(file);
    } else if (!found.try_emplace(name->name, Sequence{*name, file}).second) {
      index.doubled.push_back(file);
    }
  }
  for (auto& [name, sequence] : found) index.sequences.push_back(std::move(sequence));
  return index;
}

bool LooksRight(const fs::path& root) {
  return !SequencesIn(root / "animals").sequences.empty() || !SequencesIn(root).sequences.empty();
}

std::string Advice(const fs::path& root) {
  const fs::path parent = fs::absolute(root).lexically_normal().parent_path();
  if (LooksRight(parent)) return "; its parent looks right: give " + parent.string();
  for (const fs::path& entry : EntriesOf(root)) {
    if (LooksRight(entry)) {
      return "; the folder " + entry.string() + " in it looks right: give that";
    }
  }
  return "";
}

}  // namespace

Index ListSequences(const fs::path& root) {
  std::error_code error;
  const std::string place = "dataset.root = " + root.string();
  if (!fs::is_directory(root, error)) FailInput(place + " is no folder; " + kExpected);
  // A sequence's own folder holds one .anime file too, but is a level too deep.
  const fs::path parent = fs::absolute(root / "").lexically_normal().parent_path().parent_path();
  const std::string own_name = fs::absolute(root / "").lexically_normal().parent_path().filename();
  if (fs::exists(root / (own_name + ".anime"), error)) {
    FailInput(place + " is the folder of one sequence; " + kExpected +
              "; its parent looks right: give " + parent.string());
  }
  for (const fs::path& folder : {root / "animals", root}) {
    Index index = SequencesIn(folder);
    if (!index.sequences.empty()) return index;
  }
  FailInput(place + (fs::is_empty(root, error) ? " is empty; " : " has no sequence; ") + kExpected +
            Advice(root));
}

std::vector<bool> CrossSequenceTests(const std::vector<Sequence>& sequences) {
  using Motion = std::pair<std::uint64_t, std::string>;  // hash, identity and motion
  const auto motion_of = [](const SequenceName& name) {
    const std::string text = name.identity() + "_" + name.motion;
    return Motion(MixSeed({HashText(text)}), text);
  };
  std::map<std::string, std::set<Motion>> motions;  // of each category, smallest hash first
  for (const Sequence& s : sequences) motions[s.name.category].insert(motion_of(s.name));
  std::set<Motion> chosen;
  for (const auto& [category, set] : motions) {
    if (set.size() < 2) continue;
    const std::size_t count = std::max<std::size_t>(1, (set.size() + 2) / 4);
    chosen.insert(set.begin(), std::next(set.begin(), static_cast<std::ptrdiff_t>(count)));
  }
  std::vector<bool> tests;
  for (const Sequence& s : sequences) tests.push_back(chosen.contains(motion_of(s.name)));
  return tests;
}

}  // namespace cross4d::dt4d_animals
