// SPDX-License-Identifier: Apache-2.0
#include "millrace/cli/program.hpp"

#include <csignal>
#include <filesystem>
#include <variant>

#include "command_line.hpp"
#include "commands.hpp"
#include "completion.hpp"
#include "plugin_world.hpp"
#include "report.hpp"
#include "run_command.hpp"

namespace millrace::cli {
namespace {

int execute(const Command& command, const CommandLine& line) {
  struct Visitor {
    const CommandLine& line;
    int operator()(const RunArguments& arguments) const { return run(arguments); }
    int operator()(const CheckArguments& arguments) const { return check(arguments); }
    int operator()(const ExplainArguments& arguments) const { return explain(arguments); }
    int operator()(const TryArguments& arguments) const { return try_rules(arguments); }
    int operator()(const TestArguments& arguments) const { return test_rules(arguments); }
    int operator()(const BenchArguments& arguments) const { return bench(arguments); }
    int operator()(const ReplayArguments& arguments) const { return replay(arguments); }
    int operator()(const PluginListArguments& arguments) const {
      return plugin_list(arguments, plugin_loader(arguments.plugins));
    }
    int operator()(const PluginDocArguments& arguments) const {
      return plugin_doc(arguments, plugin_loader(arguments.plugins));
    }
    int operator()(const PluginCheckArguments& arguments) const {
      return plugin_check(arguments, plugin_loader(arguments.plugins));
    }
    int operator()(const PluginNewArguments& arguments) const { return plugin_new(arguments); }
    int operator()(const CompletionArguments& arguments) const {
      return print_result(arguments.shell == "zsh" ? zsh_completion(line.description())
                                                   : bash_completion(line.description()));
    }
  };
  return std::visit(Visitor{line}, command);
}

}  // namespace

int run_program(const std::vector<std::string>& arguments) {
  // A reader that goes away is an error of the write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  const auto name = arguments.empty()
                        ? std::string()
                        : std::filesystem::path(arguments.front()).filename().string();
  if (name == "ansible-rulebook") return run_as_ansible_rulebook(arguments);
  CommandLine line;
  std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  const auto parsed = line.parse(std::move(rest));
  if (const auto* answer = std::get_if<Answer>(&parsed)) return print_answer(*answer);
  return execute(std::get<Command>(parsed), line);
}

}  // namespace millrace::cli
