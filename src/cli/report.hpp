// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
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

/// "; did you mean `X`?" or nothing.
std::string near_miss(std::string_view name, std::span<const std::string> candidates);

/// UTF-8 characters, as a terminal counts columns.
std::size_t columns(std::string_view text);

/// All faults, each with the offending line; `texts` by file.
std::string render(const Diagnostics& diagnostics, const std::map<std::string, std::string>& texts,
                   Colour colour);
/// The same to standard error.
void print_diagnostics(const Diagnostics& diagnostics,
                       const std::map<std::string, std::string>& texts);

Value to_json_value(const Diagnostic& diagnostic);

/// The event as its sender wrote it.
Object without_meta(const Value& event);

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
