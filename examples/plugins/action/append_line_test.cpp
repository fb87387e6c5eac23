// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <millrace/plugin_testing.hpp>

using namespace millrace::plugin;

int main() {
  const testing::Plugin plugin;
  testing::ActionTest action(plugin, "append_line");
  const std::string path = "append_line_test.txt";
  std::remove(path.c_str());

  const auto asked = action.run(Json{{"path", path}, {"text", "hello"}}, Json{{"i", 1}});

  std::string line;
  std::getline(std::ifstream(path), line);
  MILLRACE_CHECK(line == "hello");
  MILLRACE_CHECK(asked.at(0)["set_fact"]["entry"]["appended_to"].string() == path);

  try {
    action.run(Json{{"path", "/nowhere/x"}, {"text", ""}}, Json::object());
    MILLRACE_CHECK(false);
  } catch (const Error& error) {
    MILLRACE_CHECK(std::string(error.what()) == "cannot write to /nowhere/x");
  }
}
