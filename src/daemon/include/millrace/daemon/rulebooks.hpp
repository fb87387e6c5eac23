// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "millrace/ansible/vault.hpp"
#include "millrace/base/diagnostic.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/plugin/python_plugins.hpp"
#include "millrace/plugin/registry.hpp"
#include "millrace/rules/rulebook.hpp"

namespace millrace::daemon {

/// Rulebooks as they were read, and everything found wrong with them.
struct LoadedRulebooks {
  std::vector<rules::Rulebook> rulebooks;  ///< those without an error
  Diagnostics diagnostics;
  std::map<std::string, std::string> texts;  ///< by file, to show offending lines
};

/// Reads rulebook files and checks them as far as that can be done without running them.
/// `variables` must outlive the result. Names and conditions that hold more than plain templates
/// are rendered by `templates`, on `loop`, which does not run yet.
LoadedRulebooks load_rulebooks(
    const std::vector<std::string>& files, const Object& variables, MainLoop& loop,
    TemplateHost& templates,
    rules::LoadOptions::UnknownKeys unknown_keys = rules::LoadOptions::UnknownKeys::error);
/// The same, with a loop and a host of its own, should one be needed.
LoadedRulebooks load_rulebooks(const std::vector<std::string>& files, const Object& variables,
                               const PythonOptions& python = {});

/// Startup variables: those of a YAML file, then environment variables by name, as texts.
/// Errors, in the original's words: not_found ("Variables file does not exist: X", "Could not find
/// environment variable 'X'"), invalid_settings.
Result<Object> load_variables(const std::string& file, const std::vector<std::string>& environment);
/// The same, with all that is encrypted in clear: texts, or the whole file. Runs the loop. Errors:
/// also those of Vault.
Result<Object> load_variables(const std::string& file, const std::vector<std::string>& environment,
                              MainLoop& loop, ansible::Vault& vault);

/// Everything that is compiled in.
Registry builtin_registry();

}  // namespace millrace::daemon
