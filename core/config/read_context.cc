// SPDX-License-Identifier: Apache-2.0
#include "core/config/read_context.h"

#include <algorithm>
#include <string>

namespace cross4d::config {

void ReadContext::Error(const base::SourceLocation& where, const std::string& message) const {
  diagnostics.AddError(where, message, experiment.Line(where));
}

void ReadContext::Warn(const base::SourceLocation& where, const std::string& message) const {
  diagnostics.AddWarning(where, message, experiment.Line(where));
}

bool ReadContext::Expect(const Node& node, Node::Kind kind, std::string_view what) const {
  if (node.kind == kind) return true;
  Error(node.where,
        std::string(what) + " takes " + std::string(KindName(kind)) + ", found " +
            std::string(KindName(node.kind)));
  return false;
}

std::optional<std::string> ReadContext::ReadName(const Node& node, std::string_view what) const {
  if (!Expect(node, Node::Kind::kString, what)) return std::nullopt;
  const std::string& text = *node.Text();
  const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
  if (good) return text;
  Error(node.where,
        std::string(what) + " is \"" + text + "\", expected letters, digits, - and _ only");
  return std::nullopt;
}

std::string Suggest(std::string_view word, const std::vector<std::string>& known) {
  const std::string near = base::Nearest(word, known);
  if (!near.empty()) return "; did you mean `" + near + "`?";
  if (known.empty()) return "";
  std::string text;
  for (const std::string& name : known) text += (text.empty() ? "" : ", ") + name;
  return "; known are: " + text;
}

}  // namespace cross4d::config
