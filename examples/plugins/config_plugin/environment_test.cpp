// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <millrace/plugin_testing.hpp>

using namespace millrace::plugin;

int main() {
  ::setenv("EXAMPLE_HOST", "web1", 1);
  const testing::Plugin plugin;
  testing::ServiceTest environment(plugin, "environment");

  const auto answer = environment.call(
      "read", Json{{"parent", "server"}, {"keys", Json{{"host", "${EXAMPLE_HOST}"}, {"port", 1}}}});

  MILLRACE_CHECK(answer.text() == R"({"keys":{"host":"web1","port":1}})");
}
