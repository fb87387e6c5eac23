// SPDX-License-Identifier: Apache-2.0
#include "rule_set_recorder.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "millrace/event/json.hpp"
#include "record_format.hpp"

namespace millrace::pipeline {
namespace {

void append_number(std::string& out, std::int64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// A line end is a blank between JSON's tokens and cannot be inside them, as whoever read the text
// has made sure.
void append_on_one_line(std::string& out, std::string_view json) {
  const auto begin = out.size();
  out += json;
  for (const char end : {'\n', '\r'}) {
    for (auto at = out.find(end, begin); at != std::string::npos; at = out.find(end, at))
      out[at] = ' ';
  }
}

}  // namespace

RuleSetRecorder::RuleSetRecorder(RecordSink& sink, const rules::RuleSet& rules, Firings firings)
    : sink_(sink), firings_(firings), rules_(rules), rule_set_(to_json(Value(rules.name))) {}

std::string& RuleSetRecorder::begin(Instant now) {
  auto& out = sink_.begin_input();
  out += R"({"at":)";
  append_number(out, (now - sink_.start()).count());
  out.append(R"(,"rule_set":)").append(rule_set_);
  return out;
}

void RuleSetRecorder::event(Instant now, const Event& event, const EventReader::Arrival& arrival,
                            std::string_view uuid, Fired fired) {
  if (!sink_.on()) return;
  auto& out = begin(now);
  if (arrival.origin != nullptr) append_arrival(out, arrival);
  if (!uuid.empty()) out.append(R"(,"uuid":")").append(uuid) += '"';
  append_event(out, event);
  append_fired(out, fired);
}

void RuleSetRecorder::append_arrival(std::string& out, const EventReader::Arrival& arrival) {
  if (arrival_.origin != arrival.origin || arrival_.received_at != arrival.received_at) {
    arrival_ = arrival;
    arrival_text_ =
        fmt::format(R"(,"source":{},"received_at":{})",
                    to_json(Object{{"name", arrival.origin->name}, {"type", arrival.origin->type}}),
                    arrival.received_at.time_since_epoch().count());
  }
  out += arrival_text_;
}

void RuleSetRecorder::append_event(std::string& out, const Event& event) {
  if (!event.wrap_key().empty()) out.append(R"(,"wrap":)").append(to_json(Value(event.wrap_key())));
  if (!event.meta().empty()) out.append(R"(,"meta":)").append(to_json(event.meta()));
  if (event.is_text()) {
    out += R"(,"event":)";
    append_on_one_line(out, event.text());
  } else {
    out.append(R"(,"built":true,"event":)").append(to_json(event.data()));
  }
  out += "}\n";
}

void RuleSetRecorder::fact(Instant now, const Value& fact, Fired fired) {
  if (!sink_.on()) return;
  auto& out = begin(now);
  out.append(R"(,"fact":)").append(to_json(fact)).append("}\n");
  append_fired(out, fired);
}

void RuleSetRecorder::retract(Instant now, const Object& pattern, rules::Session::Retract how,
                              Fired fired) {
  if (!sink_.on()) return;
  auto& out = begin(now);
  const bool whole = how == rules::Session::Retract::whole;
  out.append(whole ? R"(,"how":"whole","retract":)" : R"(,"how":"partial","retract":)");
  out.append(to_json(pattern)).append("}\n");
  append_fired(out, fired);
}

void RuleSetRecorder::advance(Instant now, Fired fired) {
  if (!sink_.on()) return;
  auto& out = begin(now);
  out += R"(,"advance":true})"
         "\n";
  append_fired(out, fired);
}

void RuleSetRecorder::append_fired(std::string& out, Fired fired) {
  if (firings_ == Firings::left_out) return;
  for (const auto& activation : fired)
    append_firing(out, rule_set_, to_recorded(rules_, activation, sink_.start()));
}

}  // namespace millrace::pipeline
