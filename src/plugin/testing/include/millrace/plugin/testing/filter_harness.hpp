// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/plugin/plugin.hpp"

namespace millrace::testing {

/// Runs one filter on events written as JSON.
class FilterHarness {
 public:
  using Describe = void (*)(PluginBuilder&);

  FilterHarness(Describe describe, std::string_view name, const Object& settings);
  FilterHarness(const FilterHarness&) = delete;
  FilterHarness& operator=(const FilterHarness&) = delete;

  /// What becomes of the event: JSON texts joined by blanks, or "error: message". Not to be called
  /// after a problem with the settings.
  std::string apply(std::string_view event);

  /// Why there is no filter, or "".
  const std::string& settings_problem() const { return settings_problem_; }
  /// "level text" lines.
  const std::vector<std::string>& log_lines() const { return log_lines_; }

 private:
  Log log_;
  Registry registry_;
  std::unique_ptr<Filter> filter_;
  std::string settings_problem_;
  std::vector<std::string> log_lines_;
};

}  // namespace millrace::testing
