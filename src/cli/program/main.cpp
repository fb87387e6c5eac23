// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "millrace/cli/program.hpp"

// The outermost fence: what reaches it is a bug or a machine without memory.
int main(int argc, char** argv) {
  try {
    return millrace::cli::run_program(std::vector<std::string>(argv, argv + argc));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "millrace: %s\n", error.what());
  } catch (...) {
    std::fputs("millrace: unknown exception\n", stderr);
  }
  return 1;
}
