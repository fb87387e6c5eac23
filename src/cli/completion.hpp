// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace millrace::cli {

/// Scripts that complete the command line, made from its description. Type names decide what an
/// argument is completed with: FILE, DIR, PATH by files; "a|b" by the words; PLUGIN by asking the
/// program.
std::string bash_completion(const CLI::App& program);
std::string zsh_completion(const CLI::App& program);

}  // namespace millrace::cli
