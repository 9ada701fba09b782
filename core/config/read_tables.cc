// SPDX-License-Identifier: Apache-2.0
#include "core/config/read_context.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

namespace cross4d::config {
namespace {

using nlohmann::json;

enum class Form { kText, kPaths, kValue, kValues, kTexts, kWhere, kTree, kDifferences, kDigits };

const std::vector<std::pair<std::string, Form>>& Keys() {
  static const std::vector<std::pair<std::string, Form>> keys = {
      {"name", Form::kText},
      {"title", Form::kText},
      {"caption", Form::kText},
      {"rows", Form::kPaths},
      {"columns", Form::kPaths},
      {"value", Form::kValue},
      {"values", Form::kValues},
      {"where", Form::kWhere},
      {"reference", Form::kTree},
      {"order", Form::kTexts},
      {"order_value", Form::kValue},
      {"labels", Form::kTree},
      {"best", Form::kText},
      {"lower", Form::kTexts},
      {"test", Form::kText},
      {"test_against", Form::kText},
      {"differences", Form::kDifferences},
      {"digits", Form::kDigits}};
  return keys;
}

// Axis values are compared as text: 384 and "384" name the same column.
std::optional<std::string> ScalarText(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kString:
      return *node.Text();
    case Node::Kind::kBool:
      return FormatOption(std::get<bool>(node.scalar));
    case Node::Kind::kInt:
      return FormatOption(std::get<std::int64_t>(node.scalar));
    case Node::Kind::kDouble:
      return FormatOption(std::get<double>(node.scalar));
    default:
      return std::nullopt;
  }
}

class TableReader {
 public:
  explicit TableReader(const ReadContext& context) : context_(context) {}

  void Read(const Node& table) {
    TableDefinition result;
    result.where = table.where;
    result.definition = json::object();
    for (const Entry& entry : table.entries) ReadKey(entry, result.definition);
    const Entry* name = table.Find("name");
    if (name == nullptr) {
      context_.Error(table.where, "[[table]] needs a `name`");
      return;
    }
    const auto text = context_.ReadName(name->value, "the name of a table");
    if (!text) return;
    result.name = *text;
    const bool one = table.Find("value") != nullptr, several = table.Find("values") != nullptr;
    if (one == several) {
      context_.Error(name->value.where,
                     "table `" + result.name +
                         "` needs either `value = \"evaluation.metric\"` or `values = [...]`");
    }
    auto& tables = context_.experiment.tables;
    const bool twice = std::any_of(tables.begin(), tables.end(), [&](const TableDefinition& t) {
      return t.name == result.name;
    });
    if (twice) context_.Error(name->value.where, "two tables are named `" + result.name + "`");
    tables.push_back(std::move(result));
  }

 private:
  void ReadKey(const Entry& entry, json& out) {
    const auto known = std::find_if(
        Keys().begin(), Keys().end(), [&](const auto& k) { return k.first == entry.key; });
    if (known == Keys().end()) {
      std::vector<std::string> names;
      for (const auto& [name, form] : Keys()) names.push_back(name);
      context_.Error(entry.where,
                     "unknown key `" + entry.key + "` in [[table]]" + Suggest(entry.key, names));
      return;
    }
    json value = ReadForm(entry, known->second);
    if (!value.is_null()) out[entry.key] = std::move(value);
  }

  json ReadForm(const Entry& entry, Form form) {
    const Node& node = entry.value;
    switch (form) {
      case Form::kText:
        return Text(node);
      case Form::kPaths:
        return node.IsString() ? Path(node) : List(node, [this](const Node& n) { return Path(n); });
      case Form::kValue:
        return Value(node);
      case Form::kValues:
        return List(node, [this](const Node& n) { return Value(n); });
      case Form::kTexts:
        return List(node, [this](const Node& n) { return Text(n); });
      case Form::kWhere:
        return Where(node);
      case Form::kTree:
        return Tree(node);
      case Form::kDifferences:
        return List(node, [this](const Node& n) { return Difference(n); });
      case Form::kDigits:
        return Digits(node);
    }
    return nullptr;
  }

  json Text(const Node& node) {
    if (auto text = ScalarText(node)) return *text;
    context_.Error(node.where, "found " + std::string(KindName(node.kind)) + ", expected text");
    return nullptr;
  }

  template <class F>
  json List(const Node& node, const F& read) {
    if (!context_.Expect(node, Node::Kind::kArray, "this key")) return nullptr;
    json list = json::array();
    for (const Node& item : node.items) list.push_back(read(item));
    return list;
  }

  bool CheckPath(const std::string& text, const base::SourceLocation& where) {
    if (text == "seed" || text == "block" || text == "experiment") return true;
    const auto path = ParsePath(context_, text, where);
    return path && CheckPathExists(context_, *path, where);
  }

  json Path(const Node& node) {
    if (!context_.Expect(node, Node::Kind::kString, "a path such as \"dataset.plugin\"")) {
      return nullptr;
    }
    CheckPath(*node.Text(), node.where);
    return *node.Text();
  }

  json Value(const Node& node) {
    if (!context_.Expect(node, Node::Kind::kString, "a value such as \"probe.accuracy\"")) {
      return nullptr;
    }
    const std::string& text = *node.Text();
    std::vector<std::string> known;
    for (const Evaluation& e : context_.experiment.evaluations) known.push_back(e.name);
    // Stages report metrics of their own.
    for (const char* kind : {"tokens", "features", "targets", "encoder", "embeddings"}) {
      known.push_back(kind);
    }
    const std::size_t dot = text.find('.');
    const std::string source = text.substr(0, dot);
    if (dot == text.npos || dot + 1 == text.size()) {
      context_.Error(node.where, "`" + text + "` names no metric: expected <evaluation>.<metric>");
    } else if (std::find(known.begin(), known.end(), source) == known.end()) {
      context_.Error(node.where,
                     "no evaluation is named `" + source + "`" + Suggest(source, known));
    }
    return text;
  }

  json Where(const Node& node, const std::string& prefix = "") {
    if (!context_.Expect(node, Node::Kind::kTable, "`where`")) return nullptr;
    json out = json::object();
    for (const Entry& entry : node.entries) {
      const std::string text = prefix + entry.key;
      if (entry.value.IsTable()) {
        out.update(Where(entry.value, text + "."));
      } else if (CheckPath(text, entry.where)) {
        out[text] = entry.value.kind == Node::Kind::kArray
                        ? List(entry.value, [this](const Node& n) { return Text(n); })
                        : Text(entry.value);
      }
    }
    return out;
  }

  json Tree(const Node& node) {
    if (!context_.Expect(node, Node::Kind::kTable, "this key")) return nullptr;
    json out = json::object();
    for (const Entry& entry : node.entries) {
      out[entry.key] = entry.value.IsTable() ? Tree(entry.value) : Text(entry.value);
    }
    return out;
  }

  json Difference(const Node& node) {
    if (!context_.Expect(node, Node::Kind::kTable, "an entry of `differences`")) return nullptr;
    static const std::vector<std::string> kKeys = {"row", "minus", "label"};
    json out = json::object();
    for (const Entry& entry : node.entries) {
      if (std::find(kKeys.begin(), kKeys.end(), entry.key) == kKeys.end()) {
        context_.Error(
            entry.where,
            "unknown key `" + entry.key + "` in a difference" + Suggest(entry.key, kKeys));
      } else {
        out[entry.key] = Text(entry.value);
      }
    }
    if (!out.contains("row") || !out.contains("minus")) {
      context_.Error(node.where, "a difference needs `row` and `minus`");
    }
    return out;
  }

  json Digits(const Node& node) {
    if (!context_.Expect(node, Node::Kind::kInt, "`digits`")) return nullptr;
    const std::int64_t digits = std::get<std::int64_t>(node.scalar);
    if (digits < 0 || digits > 6) {
      context_.Error(node.where, "`digits` is " + std::to_string(digits) + ", expected 0 to 6");
    }
    return digits;
  }

  const ReadContext& context_;
};

}  // namespace

void ReadTables(const ReadContext& context, const Node& tables) {
  TableReader reader(context);
  for (const Node& table : tables.items) reader.Read(table);
}

}  // namespace cross4d::config
