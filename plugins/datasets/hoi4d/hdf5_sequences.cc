// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>

#include "hdf5_file.h"
#include "sequences.h"

namespace cross4d::hoi4d {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNoLabels = "test_wolabel.h5";

// "train12.h5" -> 12 for the name "train" and the ending ".h5".
std::optional<std::int64_t> NumberIn(std::string_view file,
                                     std::string_view name,
                                     std::string_view ending) {
  if (!file.starts_with(name) || !file.ends_with(ending)) return std::nullopt;
  file.remove_prefix(name.size());
  if (file.size() <= ending.size()) return std::nullopt;
  file.remove_suffix(ending.size());
  std::int64_t number = 0;
  const auto parsed = std::from_chars(file.data(), file.data() + file.size(), number);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == file.data() + file.size();
  return whole && file.front() != '0' && file.front() != '-' ? std::optional(number) : std::nullopt;
}

struct Files {
  std::map<std::int64_t, fs::path> train, test;
  fs::path unlabelled;
};

Files FilesIn(const fs::path& folder) {
  Files files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name == kNoLabels) files.unlabelled = it->path();
    if (const auto number = NumberIn(name, "train", ".h5")) files.train[*number] = it->path();
    if (const auto number = NumberIn(name, "test", "_right.h5")) files.test[*number] = it->path();
    // Where both are there, _right is the one that published code reads.
    if (const auto number = NumberIn(name, "test", ".h5")) files.test.emplace(*number, it->path());
  }
  return files;
}

bool IsOneFile(const fs::path& root) {
  return fs::is_regular_file(root) && root.extension() == ".h5";
}

class Hdf5Sequences final : public Sequences {
 public:
  explicit Hdf5Sequences(const SequenceSettings& settings) : settings_(settings) {
    Files files;
    if (IsOneFile(settings.root)) {
      files.train[1] = settings.root;
    } else {
      files = FilesIn(settings.root);
    }
    CheckNumbers(files.train);
    for (const auto& [number, file] : files.train) AddFile(file, false, false);
    if (!settings.official) return;
    if (files.test.empty() && files.unlabelled.empty()) {
      FailInput(settings.root.string() +
                ": has no test1_right.h5, … (test1.h5, … for actions) and no test_wolabel.h5 to "
                "test on; the test labels are not public: set dataset.split = \"holdout\"");
    }
    CheckNumbers(files.test);
    for (const auto& [number, file] : files.test) AddFile(file, true, false);
    if (files.test.empty()) AddFile(files.unlabelled, true, true);
  }

  std::int64_t CountFrames(std::size_t sequence) const override {
    return files_[rows_[sequence].file]->frames();
  }

  void Read(std::size_t sequence,
            const std::vector<std::int64_t>& frames,
            const Use& use) const override {
    const Row& row = rows_[sequence];
    const Hdf5File& file = *files_[row.file];
    std::vector<float> xyz;
    std::vector<std::int64_t> labels;
    file.Read(row.row, frames, &xyz, &labels);
    const auto size = static_cast<std::size_t>(3 * file.points());
    const std::size_t labels_each = labels.size() / frames.size();
    for (std::size_t i = 0; i < frames.size(); ++i) {
      use(i,
          {file.path() + ": sequence " + std::to_string(row.row) + ", frame " +
               std::to_string(frames[i]),
           std::span(xyz).subspan(i * size, size),
           std::span(labels).subspan(i * labels_each, labels_each)});
    }
  }

  void AddTo(clips::FolderFingerprint* fingerprint) const override {
    for (const auto& file : files_) fingerprint->Add(file->path());
  }

 private:
  struct Row {
    std::size_t file;
    std::int64_t row;
  };

  void Problem(const std::string& file, const std::string& what) {
    if (!settings_.skip_unreadable) FailInput(file + ": " + what);
    problems_.emplace_back(file, what);
  }

  void CheckNumbers(const std::map<std::int64_t, fs::path>& files) {
    std::int64_t expected = 1;
    for (const auto& [number, file] : files) {
      for (; expected < number; ++expected) {
        Problem(file.parent_path().string(),
                "number " + std::to_string(expected) + " is missing before " +
                    file.filename().string() + "; on_error = \"skip\" goes on without it");
      }
      ++expected;
    }
  }

  void AddFile(const fs::path& path, bool test, bool unlabelled) {
    const char* labels = unlabelled ? "" : settings_.actions ? "label" : "semantic";
    try {
      files_.push_back(std::make_unique<Hdf5File>(path, labels));
    } catch (const Error& e) {
      if (!settings_.skip_unreadable) throw;
      problems_.emplace_back(path.string(), e.message());
      return;
    }
    const std::int64_t rows = files_.back()->sequences();
    for (std::int64_t row = 0; row < rows; ++row) {
      std::string number = std::to_string(row);
      number.insert(0, number.size() < 4 ? 4 - number.size() : 0, '0');
      Sequence sequence{path.stem().string() + "/" + number, path.string()};
      sequence.test = test || (!settings_.official && IsHeldOutRow(row, rows));
      all_.push_back(std::move(sequence));
      rows_.push_back({files_.size() - 1, row});
    }
  }

  SequenceSettings settings_;
  std::vector<std::unique_ptr<Hdf5File>> files_;
  std::vector<Row> rows_;  ///< of each sequence
};

}  // namespace

std::unique_ptr<Sequences> OpenHdf5(const SequenceSettings& settings) {
  return std::make_unique<Hdf5Sequences>(settings);
}

bool HasHdf5(const fs::path& folder) { return IsOneFile(folder) || !FilesIn(folder).train.empty(); }

bool IsHeldOutRow(std::int64_t row, std::int64_t rows) {
  constexpr std::int64_t kPeriod = 50;
  const std::int64_t begin = row / kPeriod * kPeriod, size = std::min(kPeriod, rows - begin);
  const std::int64_t held_out = std::min((size + 4) / 5, size - 1);
  return row - begin >= size - held_out;
}

}  // namespace cross4d::hoi4d
