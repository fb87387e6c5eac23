// SPDX-License-Identifier: Apache-2.0
// Loads each native plugin that is named, and prints what it brings. Exits with 1 if one fails.
#include <fmt/format.h>

#include <cstdio>

#include "millrace/plugin/native_plugin.hpp"

int main(int count, char** arguments) {
  using namespace millrace;
  const SystemClock clock;
  MainLoop loop(clock);
  Log log(Log::Options{});
  int failed = 0;
  for (int i = 1; i < count; ++i) {
    const auto loaded = load_native_plugin(arguments[i], {}, {loop, log});
    if (!loaded) {
      fmt::print(stderr, "{}\n", loaded.error().message());
      failed = 1;
      continue;
    }
    fmt::print("{}:", loaded->name);
    for (const auto& source : loaded->sources) fmt::print(" source {}", source.name);
    for (const auto& filter : loaded->filters) fmt::print(" filter {}", filter.name);
    for (const auto& action : loaded->actions) fmt::print(" action {}", action.name);
    for (const auto& [kind, service] : loaded->services)
      fmt::print(" {} {}", to_string(kind), service.name);
    for (const auto& pattern : loaded->patterns) fmt::print(" pattern {}", pattern.name);
    fmt::print("\n");
  }
  return failed;
}
