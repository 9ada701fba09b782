// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/diagnostics.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cross4d::config {

struct Entry;

/// A TOML value with its place. Tables keep the file's order (toml++ sorts by name, and the order
/// of axes is part of an experiment).
struct Node {
  enum class Kind { kBool, kInt, kDouble, kString, kDate, kArray, kTable };

  Kind kind = Kind::kTable;
  std::variant<bool, std::int64_t, double, std::string> scalar;
  std::vector<Node> items;     ///< array
  std::vector<Entry> entries;  ///< table
  base::SourceLocation where;

  bool IsTable() const { return kind == Kind::kTable; }
  bool IsString() const { return kind == Kind::kString; }
  /// A non-empty array of tables only.
  bool IsTableArray() const;
  const std::string* Text() const { return std::get_if<std::string>(&scalar); }
  const Entry* Find(std::string_view key) const;
  Entry* Find(std::string_view key);
};

struct Entry {
  std::string key;
  base::SourceLocation where;
  Node value;
};

/// "a table", "a string", …
std::string_view KindName(Node::Kind kind);

/// A file and all that it extends, merged.
struct Document {
  Node root;
  std::map<std::string, std::vector<std::string>> lines;  ///< by file, for messages
  std::map<std::string, std::string> folders;             ///< by file: absolute folder
};

using Environment = std::function<std::optional<std::string>(const std::string&)>;

/// Replaces `${NAME}` by its value; unset ones stay and are appended to `unset`.
std::string ExpandVariables(std::string_view text,
                            const Environment& environment,
                            std::vector<std::string>* unset);

/// Parses TOML text; nullopt after a syntax error, which is then in `diagnostics`.
std::optional<Node> ParseToml(const std::string& text,
                              const std::string& file,
                              base::Diagnostics& diagnostics);
/// The value of `--set key=TEXT`: TEXT as TOML, else as a plain string.
Node ParseSetValue(const std::string& text, const base::SourceLocation& where);

std::vector<std::string> SplitLines(const std::string& text);

/// Reads `file` and what it extends. nullopt if one of them cannot be read or parsed.
std::optional<Document> LoadDocument(const std::string& file,
                                     const Environment& environment,
                                     base::Diagnostics& diagnostics);

}  // namespace cross4d::config
