// SPDX-License-Identifier: Apache-2.0
#include "python_filter.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "failure.hpp"
#include "millrace/event/json.hpp"

namespace millrace::python {
namespace {

using namespace std::chrono_literals;

// Calls are made so long that they stay far from the limit of a call, and can be stopped soon.
constexpr std::size_t kMostEvents = 4096;
constexpr auto kShortCall = 100ms;
constexpr auto kLongCall = 500ms;
// A call is about so large: what it answers may be larger by far.
constexpr std::size_t kCallBytes = std::size_t{4} << 20;

// What a filter raises over an event refuses that event; the traceback is cut to where it happened.
Error refusal(const Object& error) {
  const auto failed = call_error(error);
  const std::string_view text = failed.message();
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return Error(Errc::invalid_event, std::string(text));
  const auto frames = text.substr(end + 1);
  return fail(Errc::invalid_event, "{} ({})", text.substr(0, end),
              frames.substr(0, frames.find('\n')));
}

Filter::Outcome outcome_of(Value& told) {
  auto* object = told.if_object();
  if (object != nullptr) {
    const auto* error = object->if_contains("error");
    if (error != nullptr && error->is_object()) return refusal(error->get_object());
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
    while (next < events.size() && next - first < events_a_call_ &&
           (next == first || fields.size() < kCallBytes)) {
      if (next != first) fields += ',';
      fields += to_json(events[next++]);
    }
    fields += ']';
    auto answer = co_await ask(fields);
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

// When the host dies over a call, nobody knows what of it was done: the next host is asked once
// more. What kills that one, too, is not asked for again.
Task<Result<Value>> PythonFilter::ask(const std::string& fields) {
  const auto& clock = extension_->host.loop().clock();
  const Instant begun = clock.now();
  auto answer = co_await instance_.call(fields);
  if (!answer && answer.error().code() == Errc::unavailable) {
    extension_->host.log().warning(extension_->host.log_name(),
                                   "filter {}: {}: its events are given to the next host",
                                   extension_->name, answer.error().message());
    co_return co_await instance_.call(fields);
  }
  const auto took = clock.now() - begun;
  if (took > kLongCall) events_a_call_ = std::max<std::size_t>(events_a_call_ / 2, 1);
  if (took < kShortCall) events_a_call_ = std::min(events_a_call_ * 2, kMostEvents);
  co_return answer;
}

}  // namespace millrace::python
