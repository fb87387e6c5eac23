// SPDX-License-Identifier: Apache-2.0
#include <millrace/plugin_testing.hpp>

using namespace millrace::plugin;

int main() {
  const testing::Plugin plugin;
  testing::SourceTest heartbeat(plugin, "heartbeat", Json{{"name", "web1"}, {"pause", 5}});

  const auto events = heartbeat.run(3);

  MILLRACE_CHECK(events.size() == 3);
  MILLRACE_CHECK(events[2] == (Json{{"name", "web1"}, {"beat", 3}}));
  MILLRACE_CHECK(heartbeat.waited >= 10);
}
