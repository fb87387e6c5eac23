// SPDX-License-Identifier: Apache-2.0
#include "source_runner.hpp"

#include <utility>

#include "millrace/event/json.hpp"

namespace millrace::pipeline {
namespace {

// The event as the first filter sees it. Errors: invalid_event.
Result<Value> whole(Event& event, const JsonLimits& limits) {
  auto data = event.is_text() ? parse_json(event.text(), limits) : Result<Value>(event.take_data());
  if (!data) return data;
  if (!event.wrap_key().empty()) data = Value(Object{{event.wrap_key(), std::move(*data)}});
  if (!data->is_object()) return fail(Errc::invalid_event, "an event must be a JSON object");
  if (!event.meta().empty()) data->get_object()["meta"] = event.meta();
  return data;
}

// Of a filter's errors, those that tell of one event. Everything else means that the filter cannot
// go on.
bool is_about_the_event(const Error& error) {
  return error.code() == Errc::invalid_event || error.code() == Errc::not_found;
}

}  // namespace

SourceRunner::SourceRunner(Origin origin, std::unique_ptr<Source> source,
                           std::vector<std::unique_ptr<Filter>> filters, Inbox& inbox,
                           Environment environment)
    : origin_(std::move(origin)),
      log_name_("source." + origin_.name),
      source_(std::move(source)),
      filters_(std::move(filters)),
      inbox_(inbox),
      environment_(std::move(environment)) {}

Task<Result<>> SourceRunner::emit(EventBatch batch) {
  InboxBatch entry{std::move(batch), &origin_, environment_.loop.clock().wall(), {}, {}};
  // When a filter cannot go on, the events before do; the failure ends the source, and the batch as
  // a whole is never settled.
  Result<> filtered;
  if (!filters_.empty()) filtered = filter(entry);
  if (!filtered) entry.batch.delivery = {};
  const auto weight = entry.batch.events.size();
  auto pushed = co_await inbox_.push(std::move(entry), weight);
  // A closed inbox means that the engine is ending.
  if (!pushed) co_return Error(Errc::cancelled, "the engine is ending");
  co_return filtered;
}

std::size_t SourceRunner::room() const {
  const auto weight = inbox_.weight();
  return weight < environment_.inbox_capacity ? environment_.inbox_capacity - weight : 0;
}

Result<> SourceRunner::filter(InboxBatch& entry) {
  auto unfiltered = std::exchange(entry.batch.events, {});
  const auto memory =
      std::exchange(entry.batch.memory, nullptr);  // the texts are parsed here, once
  for (std::size_t i = 0; i < unfiltered.size(); ++i) {
    Event& event = unfiltered[i];
    auto filtered = filter_one(event);
    if (!filtered) {
      if (!is_about_the_event(filtered.error())) return filtered.error();
      refuse(event.position(), filtered.error());
      entry.refused.push_back({i, Error(Errc::invalid_event, filtered.error().message())});
      continue;
    }
    for (auto& value : *filtered) {
      entry.batch.events.push_back(Event(std::move(value)).at(event.position()));
      entry.positions.push_back(i);
    }
  }
  return {};
}

// All that becomes of the event, or nothing: when one filter refuses a part that another has made
// of it, its source could not be told that the rest went on.
Result<std::vector<Value>> SourceRunner::filter_one(Event& event) {
  auto data = whole(event, environment_.limits);
  if (!data) return data.error();
  std::vector<Value> current;
  current.push_back(std::move(*data));
  for (const auto& filter : filters_) {
    std::vector<Value> next;
    for (auto& value : current) {
      if (auto applied = filter->apply(std::move(value), next, environment_.log); !applied)
        return applied.error();
    }
    current = std::move(next);
  }
  return current;
}

}  // namespace millrace::pipeline
