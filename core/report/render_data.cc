// SPDX-License-Identifier: Apache-2.0
#include "core/report/build.h"
#include "core/report/render.h"

#include <nlohmann/json.hpp>

namespace cross4d::report {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string Number(const std::optional<double>& value) { return value ? Shortest(*value) : ""; }

OrderedJson JsonNumber(const std::optional<double>& value) {
  return value ? OrderedJson(*value) : OrderedJson(nullptr);
}

std::string NameOf(const Heading& heading) {
  return heading.difference ? heading.text : Joined(heading.parts);
}

OrderedJson JsonCell(const Table& table, std::size_t r, std::size_t c, bool trace) {
  const Cell& cell = table.cells[r][c];
  OrderedJson json;
  json["row"] = NameOf(table.rows[r]);
  json["column"] = NameOf(table.columns[c]);
  json["value"] = table.columns[c].value;
  json["mean"] = JsonNumber(cell.mean);
  json["std"] = JsonNumber(cell.std);
  json["n"] = cell.n();
  json["planned"] = cell.planned;
  json["best"] = cell.best;
  json["p"] = JsonNumber(cell.p_value);
  json["reference"] = cell.reference.empty() ? OrderedJson(nullptr) : OrderedJson(cell.reference);
  if (trace) {
    json["runs"] = cell.runs;
    json["samples"] = OrderedJson::array();
    for (const Sample& sample : cell.samples) {
      json["samples"].push_back(
          {{"run", sample.run}, {"seed", sample.seed}, {"value", sample.value}});
    }
  }
  return json;
}

}  // namespace

std::string RenderCsv(const std::vector<Table>& tables, const RenderOptions& options) {
  std::string text = "experiment,table,row,column,value,mean,std,n,planned,best,p,reference";
  text += options.trace ? ",runs\n" : "\n";
  for (const Table& table : tables) {
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      for (std::size_t c = 0; c < table.columns.size(); ++c) {
        const Cell& cell = table.cells[r][c];
        text += CsvField(table.experiment) + "," + CsvField(table.definition.name) + "," +
                CsvField(NameOf(table.rows[r])) + "," + CsvField(NameOf(table.columns[c])) + "," +
                CsvField(table.columns[c].value) + "," + Number(cell.mean) + "," +
                Number(cell.std) + "," + std::to_string(cell.n()) + "," +
                std::to_string(cell.planned) + "," + (cell.best ? "true" : "false") + "," +
                Number(cell.p_value) + "," + CsvField(cell.reference);
        if (options.trace) {
          std::string runs;
          for (const std::string& run : cell.runs) runs += (runs.empty() ? "" : " ") + run;
          text += "," + runs;
        }
        text += "\n";
      }
    }
  }
  return text;
}

std::string RenderJson(const std::vector<Table>& tables, const RenderOptions& options) {
  OrderedJson list = OrderedJson::array();
  for (const Table& table : tables) {
    OrderedJson json;
    json["experiment"] = table.experiment;
    json["table"] = table.definition.name;
    json["title"] = table.definition.title;
    json["rows"] = table.definition.rows;
    json["columns"] = table.definition.columns;
    json["values"] = table.definition.values;
    json["cells"] = OrderedJson::array();
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      for (std::size_t c = 0; c < table.columns.size(); ++c) {
        json["cells"].push_back(JsonCell(table, r, c, options.trace));
      }
    }
    json["warnings"] = table.warnings;
    json["order"] = table.order_line.empty() ? OrderedJson(nullptr) : OrderedJson(table.order_line);
    list.push_back(std::move(json));
  }
  return list.dump(2) + "\n";
}

}  // namespace cross4d::report
