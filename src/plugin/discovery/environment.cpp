// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <system_error>

#include "millrace/plugin/discovery.hpp"

namespace millrace {

namespace fs = std::filesystem;

PluginEnvironment PluginEnvironment::of_process() {
  PluginEnvironment environment;
  environment.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  environment.home = environment.variable("HOME").value_or("");
  std::error_code error;
  environment.working_folder = fs::current_path(error);
  const auto program = fs::read_symlink("/proc/self/exe", error);
  if (!error) environment.program_folder = program.parent_path();
  return environment;
}

}  // namespace millrace
