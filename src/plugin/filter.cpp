// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/filter.hpp"

#include <utility>

namespace millrace {

// NOLINTNEXTLINE(performance-unnecessary-value-param): those that override it take it
Result<> Filter::apply(Value, std::vector<Value>&, Log&) {
  return fail(Errc::unsupported, "the filter does not take single events");
}

Task<std::vector<Filter::Outcome>> Filter::apply_all(std::vector<Value> events, Log& log) {
  std::vector<Outcome> outcomes;
  outcomes.reserve(events.size());
  for (auto& event : events) {
    std::vector<Value> out;
    if (auto applied = apply(std::move(event), out, log); applied) {
      outcomes.emplace_back(std::move(out));
    } else {
      outcomes.emplace_back(std::move(applied.error()));
      if (!is_about_one_event(outcomes.back().error())) break;
    }
  }
  co_return outcomes;
}

bool is_about_one_event(const Error& error) {
  return error.code() == Errc::invalid_event || error.code() == Errc::not_found;
}

}  // namespace millrace
