// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <millrace/plugin_testing.hpp>

using namespace millrace::plugin;

int main() {
  std::ofstream("secret.txt") << "s3cret\n";
  const testing::Plugin plugin;
  testing::ServiceTest file(plugin, "file");

  MILLRACE_CHECK(file.call("process", Json{{"name", "password"}, {"value", "secret.txt"}}) ==
                 Json("s3cret"));
  try {
    file.call("process", Json{{"name", "password"}, {"value", "/nowhere"}});
    MILLRACE_CHECK(false);
  } catch (const Error& error) {
    MILLRACE_CHECK(error.status() == MILLRACE_NOT_FOUND);
  }
}
