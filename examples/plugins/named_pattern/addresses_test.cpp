// SPDX-License-Identifier: Apache-2.0
#include <millrace/plugin_testing.hpp>
#include <regex>

using namespace millrace::plugin;

int main() {
  const testing::Plugin plugin;

  MILLRACE_CHECK(plugin.patterns.size() == 2);
  MILLRACE_CHECK(plugin.patterns[1].name == "ipv4_address");
  const std::regex ipv4(plugin.patterns[1].pattern);
  MILLRACE_CHECK(std::regex_match("192.168.0.1", ipv4));
  MILLRACE_CHECK(!std::regex_match("192.168.0.256", ipv4));
}
