// SPDX-License-Identifier: Apache-2.0
#include <millrace/plugin_testing.hpp>

using namespace millrace::plugin;

int main() {
  const testing::Plugin plugin;
  testing::ServiceTest shorten(plugin, "shorten", Json{{"most", 3}});
  const auto of = [](const Json& result) {
    return Json{{"event", Json::object()}, {"arguments", Json::object()}, {"result", result}};
  };

  MILLRACE_CHECK(shorten.call("shorten", of("abcdef")) == Json("abc…"));
  MILLRACE_CHECK(shorten.call("shorten", of("abc")) == Json("abc"));
  MILLRACE_CHECK(shorten.call("shorten", of(5)) == Json(5));
}
