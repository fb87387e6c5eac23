// SPDX-License-Identifier: Apache-2.0
#include <millrace/plugin_testing.hpp>

using namespace millrace::plugin;

int main() {
  const testing::Plugin plugin;
  testing::FilterTest redact(plugin, "redact", Json{{"keys", Json::array({"password", "token"})}});

  MILLRACE_CHECK(redact.apply(Json{{"user", "ann"}, {"token", "x"}}).at(0).text() ==
                 R"({"user":"ann"})");
  MILLRACE_CHECK(redact.apply(Json{{"password", "x"}}).empty());
}
