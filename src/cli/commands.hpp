// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/plugin/discovery.hpp"
#include "millrace/plugin/loaded_plugin.hpp"

namespace millrace::cli {

// One function for each command of `millrace`. Each returns the exit code; results go to standard
// output, faults to standard error.

struct VariablesArguments {
  std::string file;                            ///< -e, --vars
  std::vector<std::string> environment_names;  ///< -E, --env-vars
};

struct PluginArguments {
  std::vector<std::string> source_folders;  ///< -S, --source-dir
  std::vector<std::string> filter_folders;  ///< -F, --filter-dir
  std::vector<std::string> plugin_folders;  ///< --plugin-dir
  std::string python;                       ///< --python
  std::string configuration_file;           ///< --config
};

enum class OutputForm { text, json };

struct CheckArguments {
  std::vector<std::string> rulebooks;
  std::string events;  ///< sample events to compare paths with; empty: none
  VariablesArguments variables;
  PluginArguments plugins;
  OutputForm form = OutputForm::text;
};
/// Everything that can be found wrong without running.
int check(const CheckArguments& arguments);

struct ExplainArguments {
  std::string rulebook;
  std::string events;  ///< file, or "-"
  VariablesArguments variables;
  OutputForm form = OutputForm::text;
};
/// What each rule makes of given events, and why.
int explain(const ExplainArguments& arguments);

struct TryArguments {
  std::string rulebook;
  std::string rule_set;  ///< empty: the only one
  VariablesArguments variables;
};
/// Plays commands from standard input on virtual time.
int try_rules(const TryArguments& arguments);

struct TestArguments {
  std::vector<std::string> files;
  std::string filter;      ///< part of the names of the cases to run
  std::string junit_file;  ///< empty: none is written
  OutputForm form = OutputForm::text;
};
/// Plays the cases of test files on virtual time and compares what fires with what they expect.
int test_rules(const TestArguments& arguments);

struct BenchArguments {
  std::string rulebook;
  std::string events;
  VariablesArguments variables;
  std::size_t repeat = 5;
  OutputForm form = OutputForm::text;
};
/// How fast the rules take given events on this machine.
int bench(const BenchArguments& arguments);

struct ReplayArguments {
  std::string record;
  std::vector<std::string> rulebooks;
  VariablesArguments variables;
  std::string from;  ///< spans, from the start of the record; empty: all of it
  std::string to;
  std::string speed = "max";
  OutputForm form = OutputForm::text;
};
/// Repeats what `run --record` has recorded, and compares what fires.
int replay(const ReplayArguments& arguments);

/// Loads a plugin to learn what it provides. Empty: plugins are told by their files only.
using LoadPlugin = std::function<Result<LoadedPlugin>(const PluginFile&)>;

struct PluginListArguments {
  PluginArguments plugins;
  OutputForm form = OutputForm::text;
  bool names_only = false;  ///< for completion: nothing is loaded
};
int plugin_list(const PluginListArguments& arguments, const LoadPlugin& load = {});

struct PluginDocArguments {
  std::string name;
  PluginArguments plugins;
  OutputForm form = OutputForm::text;
};
int plugin_doc(const PluginDocArguments& arguments, const LoadPlugin& load = {});

struct PluginCheckArguments {
  std::string file;
  PluginArguments plugins;
  OutputForm form = OutputForm::text;
};
/// What can be found wrong with a plugin's file; a plugin is loaded, if it can be.
int plugin_check(const PluginCheckArguments& arguments, const LoadPlugin& load = {});

struct PluginNewArguments {
  std::string kind;
  std::string name;
  std::string language = "cpp";
  std::string directory;  ///< empty: one called like the plugin
};
/// Writes what a plugin begins with.
int plugin_new(const PluginNewArguments& arguments);

}  // namespace millrace::cli
