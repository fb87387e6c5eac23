// SPDX-License-Identifier: Apache-2.0
#include "completion.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <string_view>
#include <vector>

#include "millrace/base/text.hpp"

namespace millrace::cli {
namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const auto& name : option.get_snames()) names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

enum class Kind { files, folders, words, plugins, free };
Kind kind_of(const CLI::Option& option) {
  const auto type = option.get_type_name();
  if (type == "FILE" || type == "PATH" || type == "PROGRAM" || type.ends_with("|FILE"))
    return Kind::files;
  if (type == "DIR") return Kind::folders;
  if (type == "PLUGIN") return Kind::plugins;
  return type.contains('|') ? Kind::words : Kind::free;
}

std::string words_of(const CLI::Option& option) {
  auto words = option.get_type_name();
  std::ranges::replace(words, '|', ' ');
  return words;
}

// --- bash ------------------------------------------------------------------------------------

// A bash command that completes the value of the option or positional.
std::string bash_value(const CLI::Option& option) {
  switch (kind_of(option)) {
    case Kind::files:
      return R"(COMPREPLY=($(compgen -f -- "$cur")))";
    case Kind::folders:
      return R"(COMPREPLY=($(compgen -d -- "$cur")))";
    case Kind::words:
      return fmt::format(R"(COMPREPLY=($(compgen -W "{}" -- "$cur")))", words_of(option));
    case Kind::plugins:
      return R"bash(COMPREPLY=($(compgen -W "$("$1" plugin list --names 2>/dev/null)" -- "$cur")))bash";
    case Kind::free:
      return ":";
  }
  return ":";
}

struct BashCases {
  std::string commands;  // paths of commands, to recognise them among the words
  std::string values;    // of options
  std::string words;     // options and commands, or positionals
};

void add_bash_cases(const CLI::App& app, const std::string& path, BashCases& cases) {
  std::string options;
  std::string positional = ":";
  for (const auto* option : app.get_options()) {
    if (option->get_positional()) {
      positional = bash_value(*option);
      continue;
    }
    const auto names = names_of(*option);
    for (const auto& name : names) options += name + " ";
    if (!takes_value(*option)) continue;
    std::vector<std::string> patterns;
    patterns.reserve(names.size());
    for (const auto& name : names) patterns.push_back(fmt::format("\"{} {}\"", path, name));
    cases.values +=
        fmt::format("    {}) {}; return ;;\n", fmt::join(patterns, "|"), bash_value(*option));
  }
  std::string commands;
  for (const auto* command : commands_of(app)) commands += command->get_name() + " ";
  if (!commands.empty())
    positional = fmt::format(R"(COMPREPLY=($(compgen -W "{}" -- "$cur")))", trim(commands));
  cases.words += fmt::format(
      "    \"{}\") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W \"{}\" -- \"$cur\")); "
      "else {}; fi ;;\n",
      path, trim(options), positional);
  for (const auto* command : commands_of(app)) {
    const auto below = fmt::format("{} {}", path, command->get_name());
    cases.commands += fmt::format("{}\"{}\"", cases.commands.empty() ? "" : "|", below);
    add_bash_cases(*command, below, cases);
  }
}

// --- zsh -------------------------------------------------------------------------------------

// Inside single quotes, in a specification of _arguments.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += R"('\'')";
    } else {
      if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string zsh_value(const CLI::Option& option) {
  switch (kind_of(option)) {
    case Kind::files:
      return "_files";
    case Kind::folders:
      return "_files -/";
    case Kind::words:
      return fmt::format("({})", words_of(option));
    case Kind::plugins:
      return R"(($(millrace plugin list --names 2>/dev/null)))";
    case Kind::free:
      return " ";
  }
  return " ";
}

std::string zsh_option(const CLI::Option& option) {
  const auto names = names_of(option);
  const auto value = takes_value(option) ? fmt::format(":{}:{}", zsh_text(option.get_type_name()),
                                                       zsh_value(option))
                                         : std::string();
  const auto meaning = zsh_text(option.get_description());
  std::string out;
  for (const auto& name : names)
    out += fmt::format(" \\\n    '({}){}[{}]{}'", fmt::join(names, " "), name, meaning, value);
  return out;
}

std::string zsh_function_name(const CLI::App& app) {
  auto name = "_" + app.get_name();
  for (const auto* parent = app.get_parent(); parent != nullptr; parent = parent->get_parent())
    name = fmt::format("_{}{}", parent->get_name(), name);
  return name;
}

std::string zsh_dispatch(const CLI::App& app) {
  std::string descriptions;
  std::string cases;
  for (const auto* command : commands_of(app)) {
    descriptions +=
        fmt::format(" '{}:{}'", command->get_name(), zsh_text(command->get_description()));
    cases += fmt::format("      {}) {} ;;\n", command->get_name(), zsh_function_name(*command));
  }
  return fmt::format(
      "  case $state in\n"
      "    command) commands=({} ); _describe command commands ;;\n"
      "    rest) case $words[1] in\n{}    esac ;;\n"
      "  esac\n",
      descriptions, cases);
}

void add_zsh_function(const CLI::App& app, std::string& out) {
  const bool has_commands = !commands_of(app).empty();
  std::string specifications;
  for (const auto* option : app.get_options()) {
    if (option->get_positional()) {
      const bool many = option->get_expected_max() > 1;
      specifications += fmt::format(" \\\n    '{}:{}:{}'", many ? "*" : "1",
                                    zsh_text(option->get_name()), zsh_value(*option));
    } else {
      specifications += zsh_option(*option);
    }
  }
  if (has_commands) specifications += " \\\n    '1: :->command' '*:: :->rest'";
  out += fmt::format(
      "{}() {{\n  local curcontext=$curcontext state line\n  local -a commands\n"
      "  _arguments -s -C{}\n{}}}\n\n",
      zsh_function_name(app), specifications, has_commands ? zsh_dispatch(app) : "");
  for (const auto* command : commands_of(app)) add_zsh_function(*command, out);
}

}  // namespace

std::string bash_completion(const CLI::App& program) {
  const auto& name = program.get_name();
  BashCases cases;
  add_bash_cases(program, name, cases);
  return fmt::format(
      R"(# Completes the command line of {0} in bash: source <({0} completion bash)
_{0}() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} path={0} i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path ${{COMP_WORDS[i]}}" in
      {1}) path="$path ${{COMP_WORDS[i]}}" ;;
    esac
  done
  case "$path $prev" in
{2}  esac
  case $path in
{3}  esac
}}
complete -o filenames -F _{0} {0}
)",
      name, cases.commands, cases.values, cases.words);
}

std::string zsh_completion(const CLI::App& program) {
  const auto& name = program.get_name();
  auto out = fmt::format("#compdef {0}\n# Completes the command line of {0} in zsh.\n\n", name);
  add_zsh_function(program, out);
  return out + fmt::format(
                   "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n  _{0} \"$@\"\nelse\n"
                   "  compdef _{0} {0}\nfi\n",
                   name);
}

}  // namespace millrace::cli
