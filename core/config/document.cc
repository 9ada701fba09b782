// SPDX-License-Identifier: Apache-2.0
#include "core/config/document.h"

#include "core/base/file.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

namespace cross4d::config {
namespace {

namespace fs = std::filesystem;

// What an entry of [[evaluate]], [[table]] or [[block]] merges by.
std::string MergeName(const Node& table) {
  for (const char* key : {"name", "protocol"}) {
    const Entry* entry = table.Find(key);
    if (entry != nullptr && entry->value.IsString()) return *entry->value.Text();
  }
  return {};
}

void MergeTable(Node& into, Node&& from, bool at_root);

void MergeByName(Node& into, Node&& from) {
  for (Node& item : from.items) {
    const std::string name = MergeName(item);
    const auto same = std::find_if(into.items.begin(), into.items.end(), [&](const Node& other) {
      return !name.empty() && MergeName(other) == name;
    });
    if (same == into.items.end()) {
      into.items.push_back(std::move(item));
    } else {
      same->where = item.where;
      MergeTable(*same, std::move(item), false);
    }
  }
}

void MergeTable(Node& into, Node&& from, bool at_root) {
  static const std::set<std::string> kByName = {"evaluate", "table", "block"};
  for (Entry& entry : from.entries) {
    Entry* known = into.Find(entry.key);
    if (known == nullptr) {
      into.entries.push_back(std::move(entry));
      continue;
    }
    const bool by_name = at_root && kByName.contains(entry.key) && entry.value.IsTableArray() &&
                         known->value.IsTableArray();
    if (by_name) {
      MergeByName(known->value, std::move(entry.value));
    } else if (known->value.IsTable() && entry.value.IsTable()) {
      known->where = entry.where;
      MergeTable(known->value, std::move(entry.value), false);
    } else {
      known->where = entry.where;
      known->value = std::move(entry.value);
    }
  }
}

class Loader {
 public:
  Loader(const Environment& environment, base::Diagnostics& diagnostics)
      : environment_(environment), diagnostics_(diagnostics) {}

  std::optional<Document> Load(const std::string& file) {
    std::optional<Node> root = LoadFile(file, {});
    if (!root || failed_) return std::nullopt;
    root->where = {file, 1, 1};
    document_.root = std::move(*root);
    return std::move(document_);
  }

 private:
  std::optional<Node> LoadFile(const std::string& file, const base::SourceLocation& named_at) {
    std::string text;
    try {
      text = base::ReadFile(file);
    } catch (const Error& e) {
      Fail(named_at.file.empty() ? base::SourceLocation{file, 0, 0} : named_at, e.message());
      return std::nullopt;
    }
    document_.lines[file] = SplitLines(text);
    document_.folders[file] = fs::absolute(file).parent_path().lexically_normal().string();
    std::optional<Node> own = ParseToml(text, file, diagnostics_);
    if (!own) {
      failed_ = true;
      return std::nullopt;
    }
    return MergeBases(file, std::move(*own));
  }

  Node MergeBases(const std::string& file, Node own) {
    Entry* extends = own.Find("extends");
    if (extends == nullptr) return own;
    Node value = std::move(extends->value);
    own.entries.erase(own.entries.begin() + (extends - own.entries.data()));
    std::vector<Node> names;
    if (value.kind == Node::Kind::kArray) {
      names = std::move(value.items);
    } else {
      names.push_back(std::move(value));
    }
    open_.push_back(fs::absolute(file).lexically_normal().string());
    Node merged;
    for (const Node& name : names) {
      if (std::optional<Node> base = LoadBase(file, name)) {
        MergeTable(merged, std::move(*base), true);
      }
    }
    open_.pop_back();
    MergeTable(merged, std::move(own), true);
    return merged;
  }

  std::optional<Node> LoadBase(const std::string& file, const Node& name) {
    if (!name.IsString()) {
      Fail(name.where,
           "`extends` takes the path of a file or a list of them, found " +
               std::string(KindName(name.kind)));
      return std::nullopt;
    }
    std::vector<std::string> unset;
    fs::path path = ExpandVariables(*name.Text(), environment_, &unset);
    if (!unset.empty()) {
      Fail(name.where,
           "`extends` needs the environment variable " + unset.front() + ", which is not set");
      return std::nullopt;
    }
    if (path.is_relative()) path = (fs::path(file).parent_path() / path).lexically_normal();
    const std::string absolute = fs::absolute(path).lexically_normal().string();
    if (std::find(open_.begin(), open_.end(), absolute) != open_.end()) {
      Fail(name.where, "this file extends itself: " + *name.Text() + " leads back here");
      return std::nullopt;
    }
    return LoadFile(path.string(), name.where);
  }

  void Fail(const base::SourceLocation& where, const std::string& message) {
    failed_ = true;
    const auto lines = document_.lines.find(where.file);
    const bool known = lines != document_.lines.end() && where.line > 0 &&
                       where.line <= static_cast<int>(lines->second.size());
    diagnostics_.AddError(
        where, message, known ? lines->second[static_cast<std::size_t>(where.line - 1)] : "");
  }

  const Environment& environment_;
  base::Diagnostics& diagnostics_;
  Document document_;
  std::vector<std::string> open_;  // files being read, outermost first
  bool failed_ = false;
};

}  // namespace

bool Node::IsTableArray() const {
  return kind == Kind::kArray && !items.empty() &&
         std::all_of(items.begin(), items.end(), [](const Node& n) { return n.IsTable(); });
}

const Entry* Node::Find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

Entry* Node::Find(std::string_view key) {
  return const_cast<Entry*>(static_cast<const Node*>(this)->Find(key));
}

std::string_view KindName(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kBool:
      return "a bool";
    case Node::Kind::kInt:
      return "an int";
    case Node::Kind::kDouble:
      return "a double";
    case Node::Kind::kString:
      return "a string";
    case Node::Kind::kDate:
      return "a date or time";
    case Node::Kind::kArray:
      return "a list";
    case Node::Kind::kTable:
      return "a table";
  }
  return "a value";
}

std::string ExpandVariables(std::string_view text,
                            const Environment& environment,
                            std::vector<std::string>* unset) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = text.find("${", at);
    const std::size_t end = begin == text.npos ? text.npos : text.find('}', begin);
    if (end == text.npos) break;
    out += text.substr(at, begin - at);
    const std::string name(text.substr(begin + 2, end - begin - 2));
    if (const std::optional<std::string> value = environment(name)) {
      out += *value;
    } else {
      out += text.substr(begin, end + 1 - begin);
      unset->push_back(name);
    }
    at = end + 1;
  }
  return out + std::string(text.substr(at));
}

std::optional<Document> LoadDocument(const std::string& file,
                                     const Environment& environment,
                                     base::Diagnostics& diagnostics) {
  return Loader(environment, diagnostics).Load(file);
}

}  // namespace cross4d::config
