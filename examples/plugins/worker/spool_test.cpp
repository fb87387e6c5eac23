// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <millrace/plugin_testing.hpp>

using namespace millrace::plugin;

int main() {
  const testing::Plugin plugin;
  testing::ServiceTest spool(plugin, "spool", Json{{"folder", "."}});
  MILLRACE_CHECK(spool.call("handle", Json{{"i", 1}}).is_null());
  std::string line;
  std::getline(std::ifstream("1.json"), line);
  MILLRACE_CHECK(line == R"({"i":1})");

  testing::ServiceTest nowhere(plugin, "spool", Json{{"folder", "/nowhere"}});
  try {
    nowhere.call("handle", Json::object());
    MILLRACE_CHECK(false);
  } catch (const Error& error) {
    MILLRACE_CHECK(error.status() == MILLRACE_UNAVAILABLE);
  }
}
