// SPDX-License-Identifier: Apache-2.0
#include "core/report/table_definition.h"

#include "core/base/diagnostics.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace cross4d::report {
namespace {

using Json = nlohmann::json;

/// Reads one table; every error names the table and the key.
class Reader {
 public:
  Reader(const Json& json, std::string name) : json_(json), name_(std::move(name)) {}

  [[noreturn]] void Fail(const std::string& key, const std::string& why) const {
    throw Error(ErrorCode::kInput, "table '" + name_ + "', key '" + key + "': " + why);
  }

  std::string Text(const std::string& key, const std::string& fallback = {}) const {
    if (!json_.contains(key)) return fallback;
    if (!json_[key].is_string()) Fail(key, "expected a text, found " + json_[key].dump());
    return json_[key].get<std::string>();
  }
  std::string Choice(const std::string& key, const std::vector<std::string>& choices) const {
    const std::string text = Text(key);
    if (text.empty() || std::find(choices.begin(), choices.end(), text) != choices.end())
      return text;
    std::string list;
    for (const std::string& choice : choices) list += (list.empty() ? "" : ", ") + choice;
    Fail(key, "is '" + text + "', expected one of: " + list);
  }
  /// A text or a list of texts.
  std::vector<std::string> Texts(const std::string& key) const {
    if (!json_.contains(key)) return {};
    if (json_[key].is_string()) return {json_[key].get<std::string>()};
    if (!json_[key].is_array()) Fail(key, "expected a text or a list, found " + json_[key].dump());
    return Scalars(key, json_[key]);
  }
  std::vector<std::string> Scalars(const std::string& key, const Json& list) const {
    std::vector<std::string> texts;
    for (const Json& item : list) texts.push_back(Scalar(key, item));
    return texts;
  }
  /// Options are recorded as texts, so numbers and truth values are compared as such.
  std::string Scalar(const std::string& key, const Json& item) const {
    if (item.is_string()) return item.get<std::string>();
    if (item.is_structured() || item.is_null())
      Fail(key, "expected a plain value, found " + item.dump());
    return item.dump();
  }
  const Json& Object(const std::string& key) const {
    static const Json empty = Json::object();
    if (!json_.contains(key)) return empty;
    return Object(key, json_[key]);
  }
  const Json& Object(const std::string& key, const Json& item) const {
    if (!item.is_object()) Fail(key, "expected a table, found " + item.dump());
    return item;
  }
  const Json& json() const { return json_; }

 private:
  const Json& json_;
  std::string name_;
};

void ReadValues(const Reader& reader, TableDefinition& d) {
  const bool one = reader.json().contains("value"), many = reader.json().contains("values");
  if (one == many) reader.Fail("value", "expected exactly one of value and values");
  d.values = reader.Texts(one ? "value" : "values");
  if (d.values.empty()) reader.Fail("values", "expected at least one value");
  std::vector<std::string> names = d.values;
  d.order_value = reader.Text("order_value", d.values.front());
  names.push_back(d.order_value);
  for (const std::string& value : names) {
    const std::size_t dot = value.find('.');
    if (dot == 0 || dot == value.npos || dot + 1 == value.size()) {
      reader.Fail(one ? "value" : "values",
                  "is '" + value + "', expected <evaluation>.<metric>, for example probe.accuracy");
    }
  }
}

/// The nesting depends on the table: row -> column -> value, where column or value is missing if
/// the table has one altogether.
void ReadReference(const Reader& reader, TableDefinition& d) {
  const bool columns = !d.columns.empty(), many = d.values.size() > 1;
  for (const auto& [row, cells] : reader.Object("reference").items()) {
    if (cells.is_string() && !columns && !many) {
      d.reference[row][""][d.values.front()] = cells.get<std::string>();
      continue;
    }
    for (const auto& [name, cell] : reader.Object("reference", cells).items()) {
      if (!columns) {
        d.reference[row][""][name] = reader.Scalar("reference", cell);
      } else if (cell.is_object()) {
        for (const auto& [value, text] : cell.items()) {
          d.reference[row][name][value] = reader.Scalar("reference", text);
        }
      } else {
        d.reference[row][name][d.values.front()] = reader.Scalar("reference", cell);
      }
    }
  }
}

void ReadDifferences(const Reader& reader, TableDefinition& d) {
  if (!reader.json().contains("differences")) return;
  const Json& list = reader.json()["differences"];
  if (!list.is_array())
    reader.Fail("differences", "expected a list of tables, found " + list.dump());
  for (const Json& item : list) {
    const Json& object = reader.Object("differences", item);
    const Reader inner(object, d.name + ".differences");
    DifferenceRow row{inner.Text("label"), inner.Text("row"), inner.Text("minus")};
    if (row.row.empty() || row.minus.empty()) {
      reader.Fail("differences", "expected { row, minus, label }, found " + item.dump());
    }
    if (row.label.empty()) row.label = d.Label(row.row) + " - " + d.Label(row.minus);
    d.differences.push_back(std::move(row));
  }
}

void CheckKeys(const Reader& reader) {
  const std::vector<std::string>& known = TableKeys();
  for (const auto& [key, value] : reader.json().items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string nearest = base::Nearest(key, known);
    reader.Fail(key, "unknown" + (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
  }
}

TableDefinition ParseTable(const Json& json) {
  TableDefinition d;
  if (!json.is_object() || !json.contains("name") || !json["name"].is_string()) {
    throw Error(ErrorCode::kInput, "a table without a name: " + json.dump());
  }
  d.name = json["name"].get<std::string>();
  const Reader reader(json, d.name);
  CheckKeys(reader);
  d.title = reader.Text("title");
  d.caption = reader.Text("caption");
  d.rows = reader.Texts("rows");
  d.columns = reader.Texts("columns");
  ReadValues(reader, d);
  for (const auto& [key, value] : reader.Object("where").items()) {
    d.where[key] = value.is_array() ? reader.Scalars("where", value)
                                    : std::vector<std::string>{reader.Scalar("where", value)};
  }
  for (const auto& [key, value] : reader.Object("labels").items()) {
    d.labels[key] = reader.Scalar("labels", value);
  }
  ReadReference(reader, d);
  d.order = reader.Texts("order");
  d.best = reader.Choice("best", {"row", "column", "none"});
  if (d.best.empty()) d.best = d.columns.empty() ? "column" : "row";
  d.lower = reader.Texts("lower");
  d.test = reader.Choice("test", {"paired-t"});
  d.test_against = reader.Text("test_against");
  ReadDifferences(reader, d);
  if (json.contains("digits")) {
    const Json& digits = json["digits"];
    if (!digits.is_number_integer() || digits < 0 || digits > 6) {
      reader.Fail("digits", "is " + digits.dump() + ", expected a whole number from 0 to 6");
    }
    d.digits = digits.get<int>();
  }
  return d;
}

}  // namespace

std::string TableDefinition::Label(const std::string& value) const {
  const auto found = labels.find(value);
  return found == labels.end() ? value : found->second;
}

bool TableDefinition::LowerIsBetter(const std::string& value) const {
  if (std::find(lower.begin(), lower.end(), value) != lower.end()) return true;
  for (const char* end : {"loss", "seconds", "params"}) {
    if (value.ends_with(end)) return true;
  }
  return false;
}

const std::vector<std::string>& TableKeys() {
  static const std::vector<std::string> keys = {"name",
                                                "title",
                                                "caption",
                                                "rows",
                                                "columns",
                                                "value",
                                                "values",
                                                "where",
                                                "reference",
                                                "order",
                                                "order_value",
                                                "labels",
                                                "best",
                                                "lower",
                                                "test",
                                                "test_against",
                                                "differences",
                                                "digits"};
  return keys;
}

std::vector<TableDefinition> ParseTables(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array()) {
    throw Error(ErrorCode::kInput,
                "the plan's tables are not a JSON list: " + std::string(text.substr(0, 200)));
  }
  std::vector<TableDefinition> tables;
  for (const Json& item : json) tables.push_back(ParseTable(item));
  return tables;
}

}  // namespace cross4d::report
