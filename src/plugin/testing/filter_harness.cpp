// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/testing/filter_harness.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "millrace/event/json.hpp"

namespace millrace::testing {

FilterHarness::FilterHarness(Describe describe, std::string_view name, const Object& settings)
    : log_([this](LogLevel level, std::string_view, std::string_view message) {
        log_lines_.push_back(fmt::format("{} {}", to_string(level), message));
      }) {
  PluginBuilder builder(registry_);
  describe(builder);
  const auto* descriptor = registry_.filters.find(name);
  if (descriptor == nullptr) std::abort();
  const auto checked = Settings::check(descriptor->schema, settings);
  if (!checked) {
    settings_problem_ = checked.error().message();
    return;
  }
  auto created = descriptor->create(*checked);
  if (!created) {
    settings_problem_ = created.error().message();
    return;
  }
  filter_ = std::move(*created);
}

std::string FilterHarness::apply(std::string_view event) {
  auto parsed = parse_json(event);
  if (!parsed || !filter_) std::abort();  // a fault of the test
  std::vector<Value> out;
  if (const auto applied = filter_->apply(std::move(*parsed), out, log_); !applied) {
    return fmt::format("error: {}", applied.error().message());
  }
  std::vector<std::string> texts;
  texts.reserve(out.size());
  for (const auto& value : out) texts.push_back(to_json(value));
  return fmt::format("{}", fmt::join(texts, " "));
}

}  // namespace millrace::testing
