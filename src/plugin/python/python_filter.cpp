// SPDX-License-Identifier: Apache-2.0
#include "python_filter.hpp"

#include <string>
#include <utility>

#include "failure.hpp"
#include "millrace/event/json.hpp"

namespace millrace::python {
namespace {

// A call is about so large: what it answers may be larger by far.
constexpr std::size_t kCallBytes = std::size_t{4} << 20;

Filter::Outcome outcome_of(Value& told) {
  auto* object = told.if_object();
  if (object != nullptr) {
    const auto* error = object->if_contains("error");
    if (error != nullptr && error->is_object()) return call_error(error->get_object());
    auto* events = object->if_contains("events");
    if (events != nullptr && events->is_array()) {
      auto& list = events->get_array();
      return std::vector<Value>(std::make_move_iterator(list.begin()),
                                std::make_move_iterator(list.end()));
    }
  }
  return fail(Errc::unavailable, "the host answered neither events nor an error");
}

bool ends_the_source(const Filter::Outcome& outcome) {
  return !outcome && !is_about_one_event(outcome.error());
}

}  // namespace

Task<std::vector<Filter::Outcome>> PythonFilter::apply_all(std::vector<Value> events, Log&) {
  std::vector<Outcome> outcomes;
  outcomes.reserve(events.size());
  for (std::size_t next = 0; next < events.size();) {
    std::string fields = "\"events\":[";
    const auto first = next;
    while (next < events.size() && (next == first || fields.size() < kCallBytes)) {
      if (next != first) fields += ',';
      fields += to_json(events[next++]);
    }
    fields += ']';
    auto answer = co_await instance_.call(fields);
    auto* told = answer ? answer->if_array() : nullptr;
    if (told != nullptr && told->size() <= next - first) {
      for (auto& one : *told) {
        outcomes.push_back(outcome_of(one));
        if (ends_the_source(outcomes.back())) co_return outcomes;
      }
      if (told->size() == next - first) continue;
    }
    outcomes.emplace_back(answer ? fail(Errc::unavailable, "the host did not answer for each event")
                                 : answer.error());
    if (ends_the_source(outcomes.back()) || next - first > 1) co_return outcomes;
  }
  co_return outcomes;
}

}  // namespace millrace::python
