// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "millrace/plugin/native_plugin.hpp"

namespace millrace::native {

/// What tests of native plugins stand on: real time, because plugins have threads, and a log.
class TestBench : public ::testing::Test {
 protected:
  Result<LoadedPlugin> load_file(const std::filesystem::path& file, Object configuration = {}) {
    return load_native_plugin(file, std::move(configuration), {loop_, log_});
  }
  /// One of tests/plugins.
  Result<LoadedPlugin> load(const std::string& name, Object configuration = {}) {
    return load_file(std::filesystem::path(MILLRACE_TEST_PLUGINS) / (name + ".so"),
                     std::move(configuration));
  }
  LoadedPlugin load_good(Object configuration = {}) {
    auto loaded = load("good", std::move(configuration));
    if (!loaded) ADD_FAILURE() << loaded.error().message();
    return loaded ? std::move(*loaded) : LoadedPlugin();
  }

  template <class Descriptor>
  static const Descriptor& find(const std::vector<Descriptor>& all, std::string_view name) {
    const auto found = std::ranges::find_if(all, [&](const auto& one) { return one.name == name; });
    if (found == all.end()) std::abort();
    return *found;
  }
  template <class Descriptor>
  static auto make(const Descriptor& descriptor, const Object& given) {
    const auto settings = Settings::check(descriptor.schema, given);
    if (!settings) std::abort();  // a fault of the test
    return descriptor.create(*settings);
  }

  bool logged(std::string_view part) {
    const std::scoped_lock lock(mutex_);
    return std::ranges::any_of(log_lines_, [&](const auto& line) { return line.contains(part); });
  }

  SystemClock clock_;
  MainLoop loop_{clock_};
  std::mutex mutex_;  // of the lines
  std::vector<std::string> log_lines_;
  Log log_{[this](LogLevel level, std::string_view component, std::string_view message) {
    const std::scoped_lock lock(mutex_);
    log_lines_.push_back(fmt::format("{} {}: {}", to_string(level), component, message));
  }};
  TaskGroup tasks_{loop_.executor(), [](std::string_view, const std::exception_ptr& why) {
                     std::rethrow_exception(why);
                   }};
};

}  // namespace millrace::native
