// SPDX-License-Identifier: Apache-2.0
#include "notification_reader.hpp"

#include <memory>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace::pg_listener {
namespace {

char first_of(std::string_view json) {
  const auto text = trim(json);
  return text.empty() ? '\0' : text.front();
}

}  // namespace

EventBatch NotificationReader::read(std::vector<std::string> payloads) {
  EventBatch batch;
  const auto kept = std::make_shared<std::vector<std::string>>(std::move(payloads));
  for (auto& payload : *kept) {
    ++count_;
    take(payload, batch.events);
  }
  batch.memory = kept;
  tell_dropped();
  return batch;
}

void NotificationReader::take(std::string& payload, std::vector<Event>& events) {
  switch (first_of(payload)) {
    case '{':
      break;
    case '[':
      return take_list(payload, events);
    default:
      return refuse(fail(Errc::invalid_event, "a payload must be a JSON object or a list of them"));
  }
  if (payload.contains(messaging::kChunkMark)) {
    const auto value = parse_json(payload, context_.limits());
    if (value && value->is_object() && value->get_object().contains(messaging::kChunkMark))
      return take_chunk(value->get_object(), events);
  }
  const auto size = payload.size();
  payload.append(kTextPadding, '\0');
  events.push_back(Event::from_text(std::string_view(payload).substr(0, size)).at(count_));
}

void NotificationReader::take_chunk(const Object& chunk, std::vector<Event>& events) {
  const auto whole = chunks_.add(chunk, context_.clock().now());
  if (!whole) return refuse(whole.error());
  if (!*whole) return;
  if (first_of(**whole) == '[') return take_list(**whole, events);
  auto value = parse_json(**whole, context_.limits());
  if (!value) return refuse(value.error());
  events.push_back(Event(std::move(*value)).at(count_));
}

void NotificationReader::take_list(std::string_view json, std::vector<Event>& events) {
  auto list = parse_json(json, context_.limits());
  if (!list) return refuse(list.error());
  for (auto& item : list->get_array()) events.push_back(Event(std::move(item)).at(count_));
}

void NotificationReader::expire() {
  chunks_.expire(context_.clock().now());
  tell_dropped();
}

void NotificationReader::forget() {
  chunks_.clear();
  tell_dropped();
}

void NotificationReader::tell_dropped() {
  for (const auto& why : chunks_.take_dropped()) refuse(why);
}

}  // namespace millrace::pg_listener
