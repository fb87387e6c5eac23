// SPDX-License-Identifier: Apache-2.0
#include "input_player.hpp"

#include <utility>

#include "millrace/event/json.hpp"
#include "record_format.hpp"

namespace millrace::pipeline {
namespace {

Result<Value> parse_object(std::string_view json) {
  auto value = parse_json(json, wide_limits());
  if (value && !value->is_object()) return fail(Errc::corrupt, "it is no JSON object");
  return value;
}

Result<Event> to_event(const RecordLine& line) {
  Event event = Event::from_text(line.text);
  if (line.built) {
    auto value = parse_json(line.text, wide_limits());
    if (!value) return value.error();
    event = Event(std::move(*value));
  }
  if (!line.wrap.empty()) event = std::move(event).wrap(line.wrap);
  if (!line.meta.empty()) event = std::move(event).with_meta(line.meta);
  return event;
}

Error unusable(const Error& why) { return fail(Errc::corrupt, "{}", why.message()); }

}  // namespace

Result<> InputPlayer::play(const RecordLine& line, std::string_view made_up_uuid,
                           std::vector<rules::Activation>& fired) {
  const Instant at(line.at);
  if (at < now_) return fail(Errc::corrupt, "time goes back");
  now_ = at;
  if (line.kind == RecordLine::Kind::event) return play_event(line, made_up_uuid, fired);
  if (line.kind == RecordLine::Kind::advance) {
    session_.advance(now_, fired);
    return {};
  }
  const auto value = parse_object(line.text);
  if (!value) return unusable(value.error());
  if (line.kind == RecordLine::Kind::fact) {
    session_.insert_fact(Document::copy_of(*value), now_, fired);
  } else {
    session_.retract(value->get_object(), line.how, now_, fired);
  }
  return {};
}

Result<> InputPlayer::play_event(const RecordLine& line, std::string_view made_up_uuid,
                                 std::vector<rules::Activation>& fired) {
  auto event = to_event(line);
  if (!event) return unusable(event.error());
  const auto uuid = line.uuid.empty() ? made_up_uuid : std::string_view(line.uuid);
  const EventReader::Arrival arrival{line.source ? &*line.source : nullptr, line.received_at, uuid};
  if (auto read = reader_.read(*event, arrival); !read) return unusable(read.error());
  session_.insert_event(reader_, now_, fired);
  return {};
}

}  // namespace millrace::pipeline
