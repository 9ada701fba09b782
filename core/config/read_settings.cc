// SPDX-License-Identifier: Apache-2.0
#include "core/config/read_context.h"

#include <algorithm>
#include <string>
#include <utility>

namespace cross4d::config {
namespace {

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find('.', begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

bool IsRole(const std::string& word) {
  return std::find(Roles().begin(), Roles().end(), word) != Roles().end();
}

std::vector<std::string> AreaNames(const ReadContext& context) {
  std::vector<std::string> names = Roles();
  for (const auto& [name, schema] : context.catalog.sections) names.push_back(name);
  return names;
}

// parts[first..] = role, then option or plugin and option.
std::optional<OptionPath> RolePath(const std::vector<std::string>& parts,
                                   std::size_t first,
                                   std::string evaluation) {
  const std::size_t count = parts.size() - first;
  if (count == 2) return OptionPath{std::move(evaluation), parts[first], "", parts[first + 1]};
  if (count == 3) {
    return OptionPath{std::move(evaluation), parts[first], parts[first + 1], parts[first + 2]};
  }
  return std::nullopt;
}

std::vector<std::string> EvaluationNames(const ReadContext& context) {
  std::vector<std::string> names;
  for (const Evaluation& e : context.experiment.evaluations) names.push_back(e.name);
  return names;
}

std::optional<OptionPath> EvaluationPath(const ReadContext& context,
                                         const std::vector<std::string>& parts,
                                         const base::SourceLocation& where) {
  const std::vector<std::string> names = EvaluationNames(context);
  if (parts.size() < 3) {
    context.Error(where, "expected evaluate.<name>.<option>");
    return std::nullopt;
  }
  if (std::find(names.begin(), names.end(), parts[1]) == names.end()) {
    context.Error(where, "no evaluation is named `" + parts[1] + "`" + Suggest(parts[1], names));
    return std::nullopt;
  }
  if (parts.size() == 3) return OptionPath{parts[1], "", "", parts[2]};
  if (parts[2] == "dataset") {
    if (auto path = RolePath(parts, 2, parts[1])) return path;
  }
  context.Error(where,
                "expected evaluate.<name>.<option>, evaluate.<name>.dataset.<option> or "
                "evaluate.<name>.dataset.<plugin>.<option>");
  return std::nullopt;
}

template <class T, class From = T>
std::optional<OptionValue> ReadList(const Node& node) {
  std::vector<T> list;
  for (const Node& item : node.items) {
    if (const auto* value = std::get_if<T>(&item.scalar);
        value != nullptr && item.kind != Node::Kind::kArray) {
      list.push_back(*value);
    } else if (const auto* other = std::get_if<From>(&item.scalar);
               other != nullptr && item.kind != Node::Kind::kArray) {
      if constexpr (!std::is_same_v<T, From>) list.push_back(static_cast<T>(*other));
    } else {
      return std::nullopt;
    }
  }
  return OptionValue(std::move(list));
}

bool AllOf(const Node& node, std::initializer_list<Node::Kind> kinds) {
  return std::all_of(node.items.begin(), node.items.end(), [&](const Node& item) {
    return std::find(kinds.begin(), kinds.end(), item.kind) != kinds.end();
  });
}

std::optional<OptionValue> ReadArray(const ReadContext& context, const Node& node) {
  using Kind = Node::Kind;
  if (AllOf(node, {Kind::kInt})) return ReadList<std::int64_t>(node);
  if (AllOf(node, {Kind::kInt, Kind::kDouble})) return ReadList<double, std::int64_t>(node);
  if (AllOf(node, {Kind::kString})) {
    std::vector<std::string> list;
    for (const Node& item : node.items) {
      const auto value = ReadValue(context, item);
      list.push_back(value ? std::get<std::string>(*value) : std::string());
    }
    return OptionValue(std::move(list));
  }
  context.Error(node.where, "a list takes numbers only or strings only");
  return std::nullopt;
}

}  // namespace

std::optional<OptionPath> ParsePath(const ReadContext& context,
                                    const std::string& text,
                                    const base::SourceLocation& where,
                                    bool with_seed) {
  if (text == "seed" || text == "seeds") {
    if (with_seed && text == "seed") return OptionPath{"", "", "", "seed"};
    context.Error(where, "`" + text + "` is no axis: seeds are listed by `seeds = [...]`");
    return std::nullopt;
  }
  const std::vector<std::string> parts = Split(text);
  if (parts[0] == "evaluate") return EvaluationPath(context, parts, where);
  if (IsRole(parts[0])) {
    if (auto path = RolePath(parts, 0, "")) return path;
    context.Error(where,
                  "expected " + parts[0] + ".<option>, " + parts[0] + ".plugin or " + parts[0] +
                      ".<plugin>.<option>");
    return std::nullopt;
  }
  if (context.catalog.sections.contains(parts[0])) {
    if (parts.size() == 2) return OptionPath{"", parts[0], "", parts[1]};
    context.Error(where, "expected " + parts[0] + ".<option>");
    return std::nullopt;
  }
  std::vector<std::string> known = AreaNames(context);
  known.push_back("evaluate");
  context.Error(where, "unknown `" + parts[0] + "` in `" + text + "`" + Suggest(parts[0], known));
  return std::nullopt;
}

std::optional<OptionValue> ReadValue(const ReadContext& context, const Node& node) {
  switch (node.kind) {
    case Node::Kind::kBool:
      return OptionValue(std::get<bool>(node.scalar));
    case Node::Kind::kInt:
      return OptionValue(std::get<std::int64_t>(node.scalar));
    case Node::Kind::kDouble:
      return OptionValue(std::get<double>(node.scalar));
    case Node::Kind::kString: {
      std::vector<std::string> unset;
      std::string text = ExpandVariables(*node.Text(), context.environment, &unset);
      for (const std::string& name : unset) {
        context.experiment.unset_variables.push_back({name, node.where});
      }
      return OptionValue(std::move(text));
    }
    case Node::Kind::kArray:
      return ReadArray(context, node);
    case Node::Kind::kDate:
    case Node::Kind::kTable:
      break;
  }
  context.Error(node.where,
                "found " + std::string(KindName(node.kind)) +
                    ", expected a bool, a number, a string or a list of them");
  return std::nullopt;
}

void ReadSetting(const ReadContext& context, OptionPath path, const Entry& entry, Layer& layer) {
  std::optional<OptionValue> value = ReadValue(context, entry.value);
  const auto folder = context.document.folders.find(entry.value.where.file);
  Setting setting{std::move(path), {}, entry.value.where, entry.where, "", value.has_value()};
  if (value) setting.value = std::move(*value);
  if (folder != context.document.folders.end()) setting.folder = folder->second;
  layer.push_back(std::move(setting));
}

void ReadRoleTable(const ReadContext& context,
                   const std::string& evaluation,
                   const std::string& role,
                   const Entry& table,
                   Layer& layer) {
  if (!context.Expect(table.value, Node::Kind::kTable, "[" + role + "]")) return;
  for (const Entry& entry : table.value.entries) {
    if (!entry.value.IsTable()) {
      ReadSetting(context, {evaluation, role, "", entry.key}, entry, layer);
      continue;
    }
    if (context.catalog.FindPlugin(role, entry.key) == nullptr) {
      context.Error(entry.where,
                    "[" + role + "." + entry.key + "]: no " + role + " plugin is named `" +
                        entry.key + "`" + Suggest(entry.key, context.catalog.PluginNames(role)));
      continue;
    }
    for (const Entry& option : entry.value.entries) {
      ReadSetting(context, {evaluation, role, entry.key, option.key}, option, layer);
    }
  }
}

void ReadSectionTable(const ReadContext& context, const Entry& table, Layer& layer) {
  if (!context.Expect(table.value, Node::Kind::kTable, "[" + table.key + "]")) return;
  for (const Entry& entry : table.value.entries) {
    ReadSetting(context, {"", table.key, "", entry.key}, entry, layer);
  }
}

void ReadEvaluationOptions(const ReadContext& context,
                           const std::string& evaluation,
                           const Node& table,
                           Layer& layer) {
  for (const Entry& entry : table.entries) {
    if (entry.key == "name" || entry.key == "protocol") continue;
    if (entry.key == "dataset") {
      ReadRoleTable(context, evaluation, "dataset", entry, layer);
    } else {
      ReadSetting(context, {evaluation, "", "", entry.key}, entry, layer);
    }
  }
}

void ReadSettingTables(const ReadContext& context, const Node& table, Layer& layer) {
  for (const Entry& entry : table.entries) {
    if (IsRole(entry.key)) {
      ReadRoleTable(context, "", entry.key, entry, layer);
    } else if (context.catalog.sections.contains(entry.key)) {
      ReadSectionTable(context, entry, layer);
    }
  }
}

}  // namespace cross4d::config
