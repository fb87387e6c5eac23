// SPDX-License-Identifier: Apache-2.0
// Starts a thread while it is loaded, and leaves it running.
#include <chrono>
#include <thread>

#include "millrace/plugin.hpp"

MILLRACE_EXPORT_PLUGIN("starts_thread", "1", "Is too early.") {
  plugin.pattern("word", "\\w+", "A word.");
  std::thread([] { std::this_thread::sleep_for(std::chrono::hours(1)); }).detach();
}
