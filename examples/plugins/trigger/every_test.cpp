// SPDX-License-Identifier: Apache-2.0
#include <millrace/plugin_testing.hpp>

using namespace millrace::plugin;

int main() {
  const testing::Plugin plugin;
  testing::ServiceTest every(plugin, "every", Json{{"count", 2}});
  const Json event{{"name", "ping"}, {"data", Json::object()}};

  MILLRACE_CHECK(every.call("event", event).items().empty());
  MILLRACE_CHECK(every.call("event", event).text() ==
                 R"([{"name":"every","data":{"last":"ping","seen":2}}])");
}
