// SPDX-License-Identifier: Apache-2.0
#include "core/config/read_context.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace cross4d::config {
namespace {

struct PathEntry {
  OptionPath path;
  const Entry* entry;
};

// Keys may be quoted ("targets.dim" = …) or dotted (targets.dim = …, a table inside a table).
void CollectPaths(const ReadContext& context,
                  const Node& table,
                  const std::string& prefix,
                  const std::set<std::string>& reserved,
                  bool with_seed,
                  std::vector<PathEntry>& out) {
  for (const Entry& entry : table.entries) {
    if (prefix.empty() && reserved.contains(entry.key)) continue;
    const std::string text = prefix + entry.key;
    if (entry.value.IsTable()) {
      CollectPaths(context, entry.value, text + ".", reserved, with_seed, out);
    } else if (auto path = ParsePath(context, text, entry.where, with_seed)) {
      out.push_back({std::move(*path), &entry});
    }
  }
}

class GridReader {
 public:
  GridReader(const ReadContext& context, Block& block) : context_(context), block_(block) {}

  void Read(const Node& grid) {
    static const std::set<std::string> kReserved = {"zip", "rows", "exclude", "when"};
    // In the file's order: a zip or the rows are an axis where they first appear.
    for (const Entry& entry : grid.entries) {
      if (entry.key == "zip") {
        ForEachTable(entry, [this](const Node& t) { AddZip(t); });
      } else if (entry.key == "rows") {
        AddRows(entry);
      } else if (!kReserved.contains(entry.key)) {
        Node single;
        single.entries.push_back(entry);
        AddProduct(single, {}, block_.axes, swept_);
      }
    }
    if (const Entry* whens = grid.Find("when")) {
      ForEachTable(*whens, [this](const Node& t) { AddWhen(t); });
    }
    if (const Entry* excludes = grid.Find("exclude")) {
      ForEachTable(*excludes, [this](const Node& t) {
        Condition condition = ReadCondition(t, true);
        if (!condition.terms.empty()) block_.excludes.push_back(std::move(condition));
      });
    }
  }

 private:
  template <class F>
  void ForEachTable(const Entry& entry, const F& f) {
    if (entry.value.IsTable()) {
      f(entry.value);
    } else if (entry.value.IsTableArray()) {
      for (const Node& table : entry.value.items) f(table);
    } else {
      context_.Error(entry.where,
                     "`" + entry.key + "` takes tables: write [[grid." + entry.key + "]]");
    }
  }

  bool ExpectAxis(const PathEntry& found) {
    const Node& value = found.entry->value;
    if (value.kind != Node::Kind::kArray) {
      context_.Error(value.where,
                     "an axis takes a list of values, found " + std::string(KindName(value.kind)));
      return false;
    }
    if (value.items.empty()) {
      context_.Error(value.where, "this axis has no values, so the grid would have no run");
      return false;
    }
    return true;
  }

  bool ExpectOnce(const PathEntry& found, std::set<OptionPath>& swept) {
    if (swept.insert(found.path).second) return true;
    context_.Error(found.entry->where, "`" + found.path.Text() + "` is swept twice in this grid");
    return false;
  }

  Setting MakeSetting(const PathEntry& found, const Node& value) {
    Layer one;
    ReadSetting(context_, found.path, {found.entry->key, found.entry->where, value}, one);
    return std::move(one.front());
  }

  void AddProduct(const Node& table,
                  const std::set<std::string>& reserved,
                  std::vector<Axis>& axes,
                  std::set<OptionPath>& swept) {
    std::vector<PathEntry> paths;
    CollectPaths(context_, table, "", reserved, false, paths);
    for (const PathEntry& found : paths) {
      if (!ExpectAxis(found) || !ExpectOnce(found, swept)) continue;
      Axis axis;
      axis.where = found.entry->where;
      for (const Node& item : found.entry->value.items) {
        axis.points.push_back({MakeSetting(found, item)});
      }
      axes.push_back(std::move(axis));
    }
  }

  void AddZip(const Node& table) {
    std::vector<PathEntry> paths;
    CollectPaths(context_, table, "", {}, false, paths);
    Axis axis;
    axis.where = table.where;
    const PathEntry* first = nullptr;
    for (const PathEntry& found : paths) {
      if (!ExpectAxis(found) || !ExpectOnce(found, swept_)) continue;
      const std::vector<Node>& items = found.entry->value.items;
      if (first == nullptr) {
        first = &found;
        axis.points.resize(items.size());
      } else if (items.size() != axis.points.size()) {
        context_.Error(found.entry->value.where,
                       "the lists of a zip have one length: `" + found.path.Text() + "` has " +
                           std::to_string(items.size()) + " values, `" + first->path.Text() +
                           "` has " + std::to_string(axis.points.size()));
        continue;
      }
      for (std::size_t i = 0; i < items.size(); ++i) {
        axis.points[i].push_back(MakeSetting(found, items[i]));
      }
    }
    if (!axis.points.empty()) block_.axes.push_back(std::move(axis));
  }

  void AddRows(const Entry& entry) {
    Axis axis;
    axis.where = entry.where;
    std::set<OptionPath> keys;
    ForEachTable(entry, [&](const Node& table) {
      std::vector<PathEntry> paths;
      CollectPaths(context_, table, "", {}, false, paths);
      Layer point;
      for (const PathEntry& found : paths) {
        if (keys.insert(found.path).second && !ExpectOnce(found, swept_)) continue;
        point.push_back(MakeSetting(found, found.entry->value));
      }
      axis.points.push_back(std::move(point));
    });
    if (!axis.points.empty()) block_.axes.push_back(std::move(axis));
  }

  void AddWhen(const Node& table) {
    const Entry* condition = table.Find("if");
    if (condition == nullptr) {
      context_.Error(table.where, "[[grid.when]] needs `if = { \"key\" = value }`");
      return;
    }
    if (!context_.Expect(condition->value, Node::Kind::kTable, "`if`")) return;
    ConditionalAxes when;
    when.condition = ReadCondition(condition->value, false);
    std::set<OptionPath> swept = swept_;
    AddProduct(table, {"if"}, when.axes, swept);
    if (when.axes.empty()) {
      context_.Error(table.where, "[[grid.when]] adds no axis: list one beside `if`");
      return;
    }
    if (!when.condition.terms.empty()) block_.whens.push_back(std::move(when));
  }

  Condition ReadCondition(const Node& table, bool with_seed) {
    Condition condition;
    condition.where = table.where;
    std::vector<PathEntry> paths;
    CollectPaths(context_, table, "", {}, with_seed, paths);
    bool complete = !paths.empty();
    if (table.entries.empty()) context_.Error(table.where, "a condition needs at least one key");
    for (const PathEntry& found : paths) {
      Condition::Term term{found.path, {}, found.entry->value.where};
      const Node& value = found.entry->value;
      const bool list = value.kind == Node::Kind::kArray;
      for (std::size_t i = 0; i < (list ? value.items.size() : 1); ++i) {
        auto read = ReadValue(context_, list ? value.items[i] : value);
        if (read) term.any_of.push_back(std::move(*read));
      }
      complete = complete && !term.any_of.empty();
      condition.terms.push_back(std::move(term));
    }
    // Half a condition would hold too often.
    if (!complete) condition.terms.clear();
    return condition;
  }

  const ReadContext& context_;
  Block& block_;
  std::set<OptionPath> swept_;
};

}  // namespace

void ReadGrid(const ReadContext& context, const Node& grid, Block& block) {
  GridReader(context, block).Read(grid);
}

std::vector<std::int64_t> ReadSeeds(const ReadContext& context, const Node& node) {
  std::vector<std::int64_t> seeds;
  if (!context.Expect(node, Node::Kind::kArray, "`seeds`")) return {0};
  for (const Node& item : node.items) {
    const auto* seed = std::get_if<std::int64_t>(&item.scalar);
    if (item.kind != Node::Kind::kInt || *seed < 0) {
      context.Error(item.where, "a seed is a whole number, 0 or more");
    } else if (std::find(seeds.begin(), seeds.end(), *seed) != seeds.end()) {
      context.Error(item.where, "seed " + std::to_string(*seed) + " is listed twice");
    } else {
      seeds.push_back(*seed);
    }
  }
  if (node.items.empty()) context.Error(node.where, "`seeds` is empty: list at least one");
  if (seeds.empty()) seeds.push_back(0);
  return seeds;
}

}  // namespace cross4d::config
