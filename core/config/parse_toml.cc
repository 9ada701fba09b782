// SPDX-License-Identifier: Apache-2.0
#include "core/config/document.h"

#include <toml++/toml.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

// The only place that sees toml++.
namespace cross4d::config {
namespace {

// toml++ counts code points, messages count bytes.
int ByteColumn(const std::vector<std::string>& lines, int line, int column) {
  if (line < 1 || line > static_cast<int>(lines.size())) return column;
  const std::string& text = lines[static_cast<std::size_t>(line - 1)];
  int left = column - 1;
  std::size_t at = 0;
  while (at < text.size() && left > 0) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    --left;
  }
  return static_cast<int>(at) + 1 + left;
}

class Converter {
 public:
  Converter(std::string file, std::vector<std::string> lines)
      : file_(std::move(file)), lines_(std::move(lines)) {}

  base::SourceLocation At(const toml::source_position& position) const {
    const int line = static_cast<int>(position.line);
    return {file_, line, ByteColumn(lines_, line, static_cast<int>(position.column))};
  }
  std::string Line(const base::SourceLocation& where) const {
    const bool known = where.line > 0 && where.line <= static_cast<int>(lines_.size());
    return known ? lines_[static_cast<std::size_t>(where.line - 1)] : std::string();
  }

  Node Convert(const toml::node& from) const {
    Node node;
    node.where = At(from.source().begin);
    if (const auto* table = from.as_table()) {
      ConvertTable(*table, node);
    } else if (const auto* array = from.as_array()) {
      node.kind = Node::Kind::kArray;
      for (const toml::node& item : *array) node.items.push_back(Convert(item));
    } else if (const auto* text = from.as_string()) {
      node.kind = Node::Kind::kString;
      node.scalar = text->get();
    } else if (const auto* whole = from.as_integer()) {
      node.kind = Node::Kind::kInt;
      node.scalar = whole->get();
    } else if (const auto* real = from.as_floating_point()) {
      node.kind = Node::Kind::kDouble;
      node.scalar = real->get();
    } else if (const auto* truth = from.as_boolean()) {
      node.kind = Node::Kind::kBool;
      node.scalar = truth->get();
    } else {
      node.kind = Node::Kind::kDate;
    }
    return node;
  }

 private:
  void ConvertTable(const toml::table& from, Node& node) const {
    node.kind = Node::Kind::kTable;
    for (const auto& [key, value] : from) {
      node.entries.push_back({std::string(key.str()), At(key.source().begin), Convert(value)});
    }
    std::stable_sort(node.entries.begin(), node.entries.end(), [](const Entry& a, const Entry& b) {
      return std::tie(a.where.line, a.where.column) < std::tie(b.where.line, b.where.column);
    });
  }

  std::string file_;
  std::vector<std::string> lines_;
};

void PlaceAll(Node& node, const base::SourceLocation& where) {
  node.where = where;
  for (Node& item : node.items) PlaceAll(item, where);
  for (Entry& entry : node.entries) {
    entry.where = where;
    PlaceAll(entry.value, where);
  }
}

}  // namespace

std::vector<std::string> SplitLines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(std::move(line));
    begin = end + 1;
  }
  return lines;
}

std::optional<Node> ParseToml(const std::string& text,
                              const std::string& file,
                              base::Diagnostics& diagnostics) {
  const Converter converter(file, SplitLines(text));
  try {
    const toml::table table = toml::parse(text, file);
    Node root = converter.Convert(table);
    root.where = {file, 1, 1};
    return root;
  } catch (const toml::parse_error& e) {
    const base::SourceLocation where = converter.At(e.source().begin);
    diagnostics.AddError(where, "not TOML: " + std::string(e.description()), converter.Line(where));
    return std::nullopt;
  }
}

Node ParseSetValue(const std::string& text, const base::SourceLocation& where) {
  Node value;
  // A newline would let the text bring keys of its own.
  base::Diagnostics ignored;
  const bool one_line = text.find('\n') == std::string::npos;
  std::optional<Node> parsed = one_line ? ParseToml("v = " + text, "", ignored) : std::nullopt;
  if (parsed && parsed->Find("v") != nullptr) {
    value = std::move(parsed->Find("v")->value);
  } else {
    value.kind = Node::Kind::kString;
    value.scalar = text;
  }
  PlaceAll(value, where);
  return value;
}

}  // namespace cross4d::config
