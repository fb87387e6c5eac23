// SPDX-License-Identifier: Apache-2.0
#include "source_runner.hpp"

#include <utility>

#include "millrace/event/json.hpp"

namespace millrace::pipeline {
namespace {

// The event as the first filter sees it: not always an object. Errors: invalid_event.
Result<Value> whole(Event& event, const JsonLimits& limits) {
  auto data = event.is_text() ? parse_json(event.text(), limits) : Result<Value>(event.take_data());
  if (!data) return data;
  if (!event.wrap_key().empty()) data = Value(Object{{event.wrap_key(), std::move(*data)}});
  if (event.meta().empty()) return data;
  if (!data->is_object()) return fail(Errc::invalid_event, "an event must be a JSON object");
  data->get_object()["meta"] = event.meta();
  return data;
}

}  // namespace

SourceRunner::SourceRunner(Origin origin, MakeSource make_source, std::unique_ptr<Source> source,
                           std::vector<NamedFilter> filters, Inbox& inbox, SourceMemory memory,
                           Environment environment)
    : SourceContext(std::move(memory)),
      origin_(std::move(origin)),
      log_name_("source." + origin_.name),
      make_source_(std::move(make_source)),
      source_(std::move(source)),
      filters_(std::move(filters)),
      inbox_(inbox),
      environment_(std::move(environment)) {}

Result<std::unique_ptr<SourceRunner>> SourceRunner::create(Origin origin, MakeSource make_source,
                                                           std::vector<NamedFilter> filters,
                                                           Inbox& inbox, SourceMemory memory,
                                                           Environment environment) {
  auto source = make_source();
  if (!source) return source.error();
  return std::unique_ptr<SourceRunner>(
      new SourceRunner(std::move(origin), std::move(make_source), std::move(*source),
                       std::move(filters), inbox, std::move(memory), std::move(environment)));
}

Task<Result<>> SourceRunner::run_source() {
  if (std::exchange(has_run_, true)) {
    auto source = make_source_();
    if (!source) co_return source.error();
    source_ = std::move(*source);
  }
  co_return co_await source_->run(*this);
}

Task<Result<>> SourceRunner::emit(EventBatch batch) {
  InboxBatch entry{std::move(batch), &origin_, environment_.loop.clock().wall(), {}, {}};
  // When a filter cannot go on, the events before do; the failure ends the source, and the batch as
  // a whole is never settled.
  Result<> filtered;
  if (!filters_.empty()) filtered = co_await filter(entry);
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

// What becomes of an event goes on as a whole or not at all: when one filter refuses a part that
// another has made of it, its source could not be told that the rest went on.
Task<Result<>> SourceRunner::filter(InboxBatch& entry) {
  auto events = std::exchange(entry.batch.events, {});
  const auto memory =
      std::exchange(entry.batch.memory, nullptr);  // the texts are parsed here, once
  std::vector<bool> refused(events.size(), false);
  const auto refuse_event = [&](std::size_t index, const Error& error) {
    refuse(events[index].position(), error);
    refused[index] = true;
    entry.refused.push_back({index, Error(Errc::invalid_event, error.message())});
  };

  std::vector<Value> values;
  std::vector<std::size_t> positions;  // which event of the source each value came from
  for (std::size_t i = 0; i < events.size(); ++i) {
    auto data = whole(events[i], environment_.limits);
    if (!data) {
      refuse_event(i, data.error());
      continue;
    }
    values.push_back(std::move(*data));
    positions.push_back(i);
  }
  Result<> passed;
  for (const auto& [name, filter] : filters_) {
    const auto before = std::exchange(positions, {});
    auto outcomes = co_await filter->apply_all(std::exchange(values, {}), environment_.log);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      auto& outcome = outcomes[i];
      if (!outcome && !is_about_one_event(outcome.error())) {
        passed = Error(outcome.error()).with_context("filter " + name);
        break;
      }
      if (refused[before[i]]) continue;
      if (!outcome) {
        refuse_event(before[i], Error(outcome.error()).with_context("filter " + name));
        continue;
      }
      for (auto& value : *outcome) {
        values.push_back(std::move(value));
        positions.push_back(before[i]);
      }
    }
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (refused[positions[i]]) continue;
    entry.batch.events.push_back(Event(std::move(values[i])).at(events[positions[i]].position()));
    entry.positions.push_back(positions[i]);
  }
  co_return passed;
}

}  // namespace millrace::pipeline
