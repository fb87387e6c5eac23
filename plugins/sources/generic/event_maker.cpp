// SPDX-License-Identifier: Apache-2.0
#include "event_maker.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "millrace/event/python_text.hpp"

namespace millrace::generic {
namespace {

bool is_pair(const Value& value) {
  return value.is_array() && value.get_array().size() == 2 && value.get_array()[0].is_string();
}

// A key that is there already keeps its place and gets the new value.
Result<> update(Object& event, const Value& entry) {
  if (entry.is_object()) {
    for (const auto& [key, value] : entry.get_object()) event[key] = value;
    return {};
  }
  if (entry.is_array() && std::ranges::all_of(entry.get_array(), is_pair)) {
    for (const auto& pair : entry.get_array())
      event[view(pair.get_array()[0].get_string())] = pair.get_array()[1];
    return {};
  }
  return fail(Errc::invalid_event, "payload entries must be objects, not {}: {:.100}",
              python_type(entry), python_repr(entry));
}

}  // namespace

Result<EventMaker> EventMaker::create(const Settings& settings) {
  EventMaker maker;
  if (settings.has("create_index")) maker.index_key_ = settings.string("create_index");
  maker.blob_.assign(static_cast<std::size_t>(settings.integer("blob_size")), 'x');
  if (settings.boolean("timestamp")) {
    constexpr std::array kFormats{std::pair{"local", TimeFormat::local},
                                  std::pair{"iso8601", TimeFormat::iso8601},
                                  std::pair{"epoch", TimeFormat::epoch}};
    const auto wanted = settings.string("time_format");
    const auto* const found = std::ranges::find_if(
        kFormats, [&wanted](const auto& format) { return format.first == wanted; });
    if (found == kFormats.end()) {
      return fail(Errc::invalid_settings, "time_format must be one of local, iso8601, epoch");
    }
    maker.time_format_ = found->second;
  }
  maker.random_.seed(settings.has("seed") ? static_cast<std::uint64_t>(settings.integer("seed"))
                                          : std::uint64_t{std::random_device()()});
  return maker;
}

Result<Value> EventMaker::make(const Value& entry, WallTime now) {
  Object event;
  if (!index_key_.empty()) event[index_key_] = next_index_++;
  if (!blob_.empty()) event["blob"] = blob_;
  if (time_format_ != TimeFormat::none) event["timestamp"] = time(now);
  if (auto updated = update(event, entry); !updated) return updated.error();
  return Value(std::move(event));
}

void EventMaker::shuffle(std::vector<Value>& entries) { std::ranges::shuffle(entries, random_); }

Value EventMaker::time(WallTime now) const {
  if (time_format_ == TimeFormat::epoch) {
    return Value(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  }
  auto text = to_local_text(now);
  if (time_format_ == TimeFormat::iso8601) text.replace(text.find(' '), 1, 1, 'T');
  return Value(text);
}

}  // namespace millrace::generic
