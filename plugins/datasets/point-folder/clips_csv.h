// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cross4d::point_folder {

/// One line of clips.csv.
struct ClipLine {
  std::string id, video;  ///< video = id where the column is empty or missing
  std::string path;       ///< as given; empty = found by the id
  std::int64_t label = -1, subject = -1;
  bool train = true;
  std::int64_t line = 0;  ///< of the file, from 1
};

struct ClipsCsv {
  std::vector<ClipLine> clips;       ///< in the order of the file
  std::vector<std::string> classes;  ///< names of the labels
};

/// The table (RFC 4180, UTF-8, first line = names of the columns): `id`, `label` and `split` are
/// needed, `subject`, `video` and `path` may be there, others are passed over. Labels that are all
/// whole numbers from 0 are class indices, else they are names, sorted; an empty label is none.
/// Error(kInput) with file:line: a column is missing, a wrong number of fields, a split that is
/// neither train nor test, an id that is empty or there twice.
ClipsCsv ParseClipsCsv(const std::string& text, const std::string& name);

}  // namespace cross4d::point_folder
