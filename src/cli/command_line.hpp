// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "commands.hpp"
#include "run_options.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace millrace::cli {

struct CompletionArguments {
  std::string shell;
};
struct RunArguments {
  std::vector<GivenOption> options;
};

/// What a command line of `millrace` asks for.
using Command =
    std::variant<RunArguments, CheckArguments, ExplainArguments, TryArguments, TestArguments,
                 BenchArguments, ReplayArguments, CompletionArguments, PluginListArguments,
                 PluginDocArguments, PluginCheckArguments, PluginNewArguments>;

/// A command line that asks for nothing more than a text: help, the version, or that it is wrong.
struct Answer {
  std::string text;
  enum class To { standard_output, standard_error };
  To to = To::standard_output;
  int exit_code = 0;
};

/// The commands and options of `millrace`: reads command lines, writes help, and is what shell
/// completion is made from.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  ~CommandLine();

  /// Call once; `arguments` without the program's name.
  std::variant<Command, Answer> parse(std::vector<std::string> arguments);
  const CLI::App& description() const { return *app_; }

 private:
  void describe_run();
  void describe_check();
  void describe_explain();
  void describe_try();
  void describe_test();
  void describe_bench();
  void describe_replay();
  void describe_completion();
  void describe_plugin();
  void describe_plugin_check(CLI::App& plugin);
  void describe_plugin_new(CLI::App& plugin);
  void add_variables(CLI::App& command, VariablesArguments& variables);
  void add_plugins(CLI::App& command);
  Command take() const;
  Answer refuse(const std::string& why) const;

  std::unique_ptr<CLI::App> app_;
  std::vector<std::pair<const RunOption*, CLI::Option*>> run_options_;
  std::vector<std::string> rulebooks_;  // of `run`, given without -r
  std::string environment_names_;
  bool json_ = false;
  CheckArguments check_;
  ExplainArguments explain_;
  TryArguments try_;
  TestArguments test_;
  BenchArguments bench_;
  ReplayArguments replay_;
  CompletionArguments completion_;
  PluginListArguments plugin_list_;
  PluginDocArguments plugin_doc_;
  PluginCheckArguments plugin_check_;
  PluginArguments plugins_;
  PluginNewArguments plugin_new_;
};

}  // namespace millrace::cli
