// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "command_line.hpp"

namespace millrace::cli {

/// `millrace run`.
int run(const RunArguments& arguments);

/// The program when it is called `ansible-rulebook`.
int run_as_ansible_rulebook(const std::vector<std::string>& arguments);

/// Prints a text that needs no running; returns the exit code.
int print_answer(const Answer& answer);

}  // namespace millrace::cli
