// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "commands.hpp"
#include "millrace/base/diagnostic.hpp"
#include "millrace/daemon/rulebooks.hpp"
#include "millrace/event/value.hpp"

namespace millrace::cli {

/// Writes to standard output; returns the exit code: 1, told on standard error, if that cannot be
/// done.
int print_result(std::string_view text);

/// Tells on standard error why a command was not done; returns 1.
int print_failure(std::string_view why);

/// Writes to standard error what is no fault.
void print_note(std::string_view text);

/// An event as it is shown: without what the engine says of its coming.
Object without_meta(const Value& event);

/// "; did you mean `X`?" or nothing.
std::string near_miss(std::string_view name, std::span<const std::string> candidates);

/// Renders faults to standard error, each with the offending line.
void print_diagnostics(const Diagnostics& diagnostics, const daemon::LoadedRulebooks& loaded);

Value to_json_value(const Diagnostic& diagnostic);

/// One rulebook and the variables that it was read with.
struct LoadedRulebook {
  Object variables;
  rules::Rulebook rulebook;
};
/// For commands that work on a rulebook: nothing if it has errors, which are told on standard
/// error.
std::optional<LoadedRulebook> load_or_tell(const std::string& file,
                                           const VariablesArguments& variables);

}  // namespace millrace::cli
