// SPDX-License-Identifier: Apache-2.0
#include "core/cli/plugin_template.h"

#include "core/base/file.h"
#include "core/cli/template_files.h"

#include <cross4d/sdk/error.h>

#include <fmt/format.h>

#include <cctype>
#include <utility>

namespace cross4d::cli {
namespace {

void CheckName(const std::string& name) {
  bool good = !name.empty() && std::islower(static_cast<unsigned char>(name.front())) &&
              name.back() != '-' && name.find("--") == std::string::npos;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    good &= std::islower(byte) || std::isdigit(byte) || c == '-';
  }
  if (!good) {
    FailInput(fmt::format("'{}' is no plugin name; expected kebab-case, as in my-teacher", name));
  }
}

// my-teacher -> MyTeacher
std::string ClassName(const std::string& name) {
  std::string result;
  bool upper = true;
  for (const char c : name) {
    if (c != '-')
      result += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = c == '-';
  }
  return result;
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace

std::vector<std::filesystem::path> WritePluginTemplate(const std::string& role,
                                                       const std::string& name,
                                                       const std::filesystem::path& folder) {
  CheckName(name);
  if (std::filesystem::exists(folder)) {
    FailInput(fmt::format("{} exists already; give another --folder", folder.string()));
  }
  const std::string target = Replaced(name, "-", "_");
  const auto fill = [&](std::string text) {
    text = Replaced(std::move(text), "@rules@\n", TemplateFile(role + ".rules"));
    text = Replaced(std::move(text), "@name@", name);
    text = Replaced(std::move(text), "@target@", target);
    text = Replaced(std::move(text), "@role@", role);
    return Replaced(std::move(text), "@Class@", ClassName(name));
  };
  const std::pair<std::string, std::string> files[] = {
      {"CMakeLists.txt", TemplateFile("CMakeLists.txt.in")},
      {target + ".cc", TemplateFile(role + ".cc.in")},
      {"README.md", TemplateFile("README.md.in")},
  };
  base::MakeFolders(folder);
  std::vector<std::filesystem::path> written;
  for (const auto& [file, text] : files) {
    written.push_back(folder / file);
    base::WriteFileAtomically(written.back(), fill(text));
  }
  return written;
}

}  // namespace cross4d::cli
