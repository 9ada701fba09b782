// SPDX-License-Identifier: Apache-2.0
#include "clips_csv.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "scalars.h"

namespace cross4d::point_folder {
namespace {

constexpr std::int64_t kMostClasses = 100'000;

[[noreturn]] void FailLine(const std::string& name, std::int64_t line, const std::string& what) {
  FailInput(name + ":" + std::to_string(line) + ": " + what);
}

struct Record {
  std::vector<std::string> fields;
  std::int64_t line = 0;
};

std::string Trim(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == text.npos ? "" : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Takes records off a text; quoted fields may hold commas, quotes and line ends.
class Records {
 public:
  Records(const std::string& text, const std::string& name) : text_(text), name_(name) {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
  }

  /// Without empty lines; nullopt at the end.
  std::optional<Record> Next() {
    while (at_ < text_.size()) {
      Record record;
      record.line = line_;
      do {
        record.fields.push_back(Field());
      } while (Take(','));
      Take('\r');
      if (at_ < text_.size() && !Take('\n')) {
        FailLine(name_, line_, "found " + Quote(text_.substr(at_, 20)) + " behind a quoted field");
      }
      ++line_;
      if (record.fields.size() > 1 || !record.fields[0].empty()) return record;
    }
    return std::nullopt;
  }

 private:
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string Field() {
    if (!Take('"')) {
      const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
      const std::string field = text_.substr(at_, end - at_);
      at_ = end;
      return Trim(field);
    }
    const std::int64_t start = line_;
    std::string field;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"' && !Take('"')) return field;
      if (c == '\n') ++line_;
      field += c;
    }
    FailLine(name_, start, "a quote that is not closed");
  }

  const std::string& text_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

using Columns = std::map<std::string, std::size_t>;

Columns ReadColumns(const std::optional<Record>& header, const std::string& name) {
  Columns columns;
  for (std::size_t i = 0; header && i < header->fields.size(); ++i) {
    if (!columns.emplace(header->fields[i], i).second) {
      FailLine(name, header->line, "two columns are named " + Quote(header->fields[i]));
    }
  }
  for (const char* needed : {"id", "label", "split"}) {
    if (columns.contains(needed)) continue;
    FailLine(name,
             1,
             std::string("no column `") + needed +
                 "`; the first line must name the columns: id,label,split and, if wanted, "
                 "subject,video,path");
  }
  return columns;
}

std::string Get(const Record& record, const Columns& columns, const char* column) {
  const auto found = columns.find(column);
  return found == columns.end() ? "" : record.fields[found->second];
}

ClipLine ReadLine(const Record& record, const Columns& columns, const std::string& name) {
  if (record.fields.size() != columns.size()) {
    FailLine(name,
             record.line,
             std::to_string(record.fields.size()) + " fields, expected " +
                 std::to_string(columns.size()) + " as in the first line");
  }
  ClipLine clip;
  clip.line = record.line;
  clip.id = Get(record, columns, "id");
  clip.video = Get(record, columns, "video");
  clip.path = Get(record, columns, "path");
  if (clip.id.empty()) FailLine(name, record.line, "the id is empty");
  if (clip.video.empty()) clip.video = clip.id;
  const std::string split = Get(record, columns, "split");
  if (split != "train" && split != "test") {
    FailLine(name, record.line, "split is " + Quote(split) + ", expected train or test");
  }
  clip.train = split == "train";
  const std::string subject = Get(record, columns, "subject");
  if (subject.empty()) return clip;
  const auto number = ParseWhole(subject);
  if (!number || *number < 0) {
    FailLine(name, record.line, "subject is " + Quote(subject) + ", expected a whole number");
  }
  clip.subject = *number;
  return clip;
}

// Sets every clip's label and returns the classes.
std::vector<std::string> SetLabels(const std::vector<std::string>& labels, ClipsCsv* table) {
  std::int64_t largest = -1;
  bool numbers = true;
  std::set<std::string> names;
  for (const std::string& label : labels) {
    if (label.empty()) continue;
    names.insert(label);
    const auto number = ParseWhole(label);
    numbers = numbers && number && *number >= 0 && *number < kMostClasses;
    if (numbers) largest = std::max(largest, *number);
  }
  std::vector<std::string> classes(names.begin(), names.end());
  if (numbers) {
    classes.clear();
    for (std::int64_t i = 0; i <= largest; ++i) classes.push_back(std::to_string(i));
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i].empty()) continue;
    table->clips[i].label =
        numbers ? ParseWhole(labels[i]).value()
                : std::lower_bound(classes.begin(), classes.end(), labels[i]) - classes.begin();
  }
  return classes;
}

}  // namespace

ClipsCsv ParseClipsCsv(const std::string& text, const std::string& name) {
  Records records(text, name);
  const Columns columns = ReadColumns(records.Next(), name);
  ClipsCsv table;
  std::vector<std::string> labels;
  std::map<std::string, std::int64_t> lines;
  while (const auto record = records.Next()) {
    table.clips.push_back(ReadLine(*record, columns, name));
    labels.push_back(Get(*record, columns, "label"));
    const ClipLine& clip = table.clips.back();
    const auto [known, is_new] = lines.emplace(clip.id, clip.line);
    if (!is_new) {
      FailLine(name,
               clip.line,
               "the id " + Quote(clip.id) + " stands in line " + std::to_string(known->second) +
                   " already; ids must differ (the column video joins clips of one video)");
    }
  }
  if (table.clips.empty()) FailLine(name, 1, "no clip below the names of the columns");
  table.classes = SetLabels(labels, &table);
  return table;
}

}  // namespace cross4d::point_folder
