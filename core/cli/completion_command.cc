// SPDX-License-Identifier: Apache-2.0
#include "core/cli/command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace cross4d::cli {
namespace {

// A command and its sub-commands, as the shell sees them: "plugins show".
struct Entry {
  std::string path;
  std::vector<std::pair<std::string, std::string>> commands;  // name, summary
  std::vector<std::pair<std::string, std::string>> options;   // --name, summary
};

void Collect(const CLI::App* app, const std::string& path, std::vector<Entry>& entries) {
  Entry entry{path, {}, {}};
  for (const CLI::Option* option : app->get_options()) {
    for (const std::string& name : option->get_lnames()) {
      entry.options.emplace_back("--" + name, option->get_description());
    }
  }
  const auto subs = app->get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* sub : subs)
    entry.commands.emplace_back(sub->get_name(), sub->get_description());
  entries.push_back(std::move(entry));
  for (const CLI::App* sub : subs) {
    Collect(sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), entries);
  }
}

std::string Words(const Entry& entry) {
  std::string words;
  for (const auto& [name, summary] : entry.commands) words += name + " ";
  for (const auto& [name, summary] : entry.options) words += name + " ";
  if (!words.empty()) words.pop_back();
  return words;
}

// Shared by bash and zsh: sets `variable` to the words that may follow the commands typed so far.
std::string WordCases(const std::vector<Entry>& entries, const std::string& variable) {
  std::string text;
  for (const Entry& entry : entries) {
    text += fmt::format("    '{}') {}='{}' ;;\n", entry.path, variable, Words(entry));
  }
  return text;
}

std::string Paths(const std::vector<Entry>& entries) {
  std::string text = "|";
  for (const Entry& entry : entries) text += entry.path + "|";
  return text;
}

std::string Bash(const std::vector<Entry>& entries) {
  return fmt::format(
      "_cross4d() {{\n"
      "  local word=\"${{COMP_WORDS[COMP_CWORD]}}\" command='' known='{}' words='' i\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    local longer=\"${{command:+$command }}${{COMP_WORDS[i]}}\"\n"
      "    [[ $known == *\"|$longer|\"* ]] && command=$longer\n"
      "  done\n"
      "  case \"$command\" in\n{}  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "}}\n"
      "complete -o bashdefault -o default -F _cross4d cross4d\n",
      Paths(entries),
      WordCases(entries, "words"));
}

// In zsh `words` is what has been typed.
std::string Zsh(const std::vector<Entry>& entries) {
  return fmt::format(
      "#compdef cross4d\n"
      "_cross4d() {{\n"
      "  local command='' known='{}' next='' i longer\n"
      "  for ((i = 2; i < CURRENT; ++i)); do\n"
      "    longer=\"${{command:+$command }}${{words[i]}}\"\n"
      "    [[ $known == *\"|$longer|\"* ]] && command=$longer\n"
      "  done\n"
      "  case \"$command\" in\n{}  esac\n"
      "  compadd -- ${{=next}}\n"
      "  _files\n"
      "}}\n"
      "compdef _cross4d cross4d\n",
      Paths(entries),
      WordCases(entries, "next"));
}

std::string Quoted(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\'' || text[i] == '\\') text.insert(i++, 1, '\\');
  }
  return "'" + text + "'";
}

std::string Fish(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) {
    std::string when;
    if (entry.path.empty()) {
      when = "__fish_use_subcommand";
    } else {
      std::string rest = entry.path;
      for (std::size_t at; !rest.empty();
           rest = at == std::string::npos ? "" : rest.substr(at + 1)) {
        at = rest.find(' ');
        when +=
            (when.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + rest.substr(0, at));
      }
    }
    for (const auto& [name, summary] : entry.commands) {
      text += fmt::format("complete -c cross4d -n '{}' -a {} -d {}\n", when, name, Quoted(summary));
    }
    for (const auto& [name, summary] : entry.options) {
      text += fmt::format(
          "complete -c cross4d -n '{}' -l {} -d {}\n", when, name.substr(2), Quoted(summary));
    }
  }
  return text;
}

}  // namespace

void DefineCompletion(CLI::App& app, Action& action) {
  auto shell = std::make_shared<std::string>();
  app.add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  app.footer(
      "bash: source <(cross4d completion bash)    zsh: source <(cross4d completion zsh)\n"
      "fish: cross4d completion fish | source");
  app.callback([&app, &action, shell] {
    action = [&app, shell] {
      std::vector<Entry> entries;
      Collect(app.get_parent(), "", entries);
      const std::string text = *shell == "bash"  ? Bash(entries)
                               : *shell == "zsh" ? Zsh(entries)
                                                 : Fish(entries);
      std::fputs(text.c_str(), stdout);
      return kOk;
    };
  });
}

}  // namespace cross4d::cli
