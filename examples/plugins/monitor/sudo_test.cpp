// SPDX-License-Identifier: Apache-2.0
#include <millrace/plugin_testing.hpp>

using namespace millrace::plugin;

int main() {
  const testing::Plugin plugin;
  testing::ServiceTest sudo(plugin, "sudo");

  const auto events = sudo.call(
      "line", Json{{"line", "web1 sudo:  ann : TTY=pts/0 ; USER=root ; COMMAND=/bin/ls -l"},
                   {"source", "auth.log"}});

  MILLRACE_CHECK(events.text() ==
                 R"([{"name":"sudo","data":{"user":"ann","command":"/bin/ls -l"}}])");
  MILLRACE_CHECK(sudo.call("line", Json{{"line", "nothing"}, {"source", ""}}) == Json::array());
}
