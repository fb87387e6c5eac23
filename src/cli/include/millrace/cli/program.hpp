// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace millrace::cli {

/// The whole program: reads the command line (`arguments[0]` is the name it was called by; called
/// as `ansible-rulebook` it takes that program's options), does what it says, and returns the exit
/// code: 0 done; 1 it could not be done, or faults were found; 2 the command line is wrong;
/// 130, 143 after SIGINT, SIGTERM.
int run_program(const std::vector<std::string>& arguments);

}  // namespace millrace::cli
