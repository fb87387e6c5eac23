// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "command_line.hpp"
#include "run_options.hpp"

namespace millrace::cli {

/// Reads a command line of `ansible-rulebook`: its options, parsed as GNU programs do (a prefix of
/// a long option is enough, --option=value, letters in one cluster). `arguments[0]` is the name it
/// was called by.
std::variant<RunRequest, Answer> parse_ansible_rulebook(const std::vector<std::string>& arguments,
                                                        const Environment& environment);

/// The options of `ansible-rulebook`, one a line.
std::string ansible_rulebook_help();

}  // namespace millrace::cli
