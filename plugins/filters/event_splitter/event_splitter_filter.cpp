// SPDX-License-Identifier: Apache-2.0
// Makes one event of each element of a list inside the event. The new events start afresh: of the
// event they come from they have what `attributes_key_map` names, and no meta.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/event/python_text.hpp"
#include "millrace/plugin/glob_path.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::event_splitter {
namespace {

constexpr std::string_view kLogName = "filter.event_splitter";
constexpr std::string_view kPathSeparator = ".";

// Bounds what a small event with a long list and one large attribute can grow to.
constexpr std::size_t kMostAddedBytes = std::size_t{256} << 20;

std::size_t weight(const Value& value) {
  std::size_t bytes = sizeof(Value);
  if (value.is_string()) {
    bytes += value.get_string().size();
  } else if (value.is_array()) {
    for (const auto& item : value.get_array()) bytes += weight(item);
  } else if (value.is_object()) {
    for (const auto& entry : value.get_object())
      bytes += entry.key().size() + weight(entry.value());
  }
  return bytes;
}

Array characters(std::string_view text) {
  Array list;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80)
      ++length;
    list.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return list;
}

// What Python's `for` goes over: the elements of a list, the keys of an object, the characters of a
// string.
Result<Array> elements(const Value& value) {
  if (value.is_array()) return value.get_array();
  if (value.is_string()) return characters(view(value.get_string()));
  if (!value.is_object()) {
    return fail(Errc::invalid_event, "'{}' object is not iterable", python_type(value));
  }
  Array keys;
  keys.reserve(value.get_object().size());
  for (const auto& entry : value.get_object()) keys.emplace_back(entry.key());
  return keys;
}

struct Attribute {
  std::string name;
  GlobPath path;
};

class EventSplitter final : public Filter {
 public:
  static Result<std::unique_ptr<EventSplitter>> create(const Settings& settings) {
    auto splitter = GlobPath::parse(settings.string("splitter_key"), kPathSeparator);
    if (!splitter) return std::move(splitter.error()).with_context("splitter_key");
    auto made = std::make_unique<EventSplitter>(std::move(*splitter));
    for (const auto& entry : settings.object("attributes_key_map")) {
      const std::string name(entry.key());
      if (!entry.value().is_string()) {
        return fail(Errc::invalid_settings, "attributes_key_map: {} must be a path, a string",
                    name);
      }
      auto path = GlobPath::parse(view(entry.value().get_string()), kPathSeparator);
      if (!path) return std::move(path.error()).with_context("attributes_key_map");
      made->attributes_.push_back({name, std::move(*path)});
    }
    made->extras_ = settings.object("extras");
    made->raise_error_ = settings.boolean("raise_error");
    return made;
  }

  explicit EventSplitter(GlobPath splitter_key) : splitter_key_(std::move(splitter_key)) {}

  Result<> apply(Value event, std::vector<Value>& out, Log& log) override {
    const auto found = splitter_key_.get(event);
    if (!found && found.error().code() == Errc::not_found && !raise_error_) {
      log.warning(kLogName, "the event has no `{}`: passed on unsplit", splitter_key_.text());
      out.push_back(std::move(event));
      return {};
    }
    if (!found) return found.error();
    auto parts = elements(**found);
    if (!parts) return parts.error();
    const auto added = additions(event, log);
    if (!added) return added.error();
    return split(std::move(*parts), *added, out);
  }

 private:
  Result<Object> additions(const Value& event, Log& log) const {
    Object added;
    for (const auto& [name, path] : attributes_) {
      const auto found = path.get(event);
      if (!found && found.error().code() != Errc::not_found) return found.error();
      if (found) {
        added[name] = **found;
      } else {
        log.warning(kLogName, "the event has no `{}`: {} is left out", path.text(), name);
      }
    }
    for (const auto& entry : extras_) added[entry.key()] = entry.value();
    return added;
  }

  static Result<> split(Array parts, const Object& added, std::vector<Value>& out) {
    const auto bytes = weight(Value(added));
    if (!added.empty() && parts.size() > kMostAddedBytes / bytes) {
      return fail(Errc::invalid_event, "{} elements with {} bytes added to each are too much",
                  parts.size(), bytes);
    }
    for (auto& part : parts) {
      if (!added.empty() && !part.is_object()) {
        return fail(Errc::invalid_event, "'{}' object has no attribute 'update'",
                    python_type(part));
      }
      for (const auto& entry : added) part.get_object()[entry.key()] = entry.value();
      out.push_back(std::move(part));
    }
    return {};
  }

  const GlobPath splitter_key_;
  std::vector<Attribute> attributes_;
  Object extras_;
  bool raise_error_ = false;
};

}  // namespace
}  // namespace millrace::event_splitter

MILLRACE_PLUGIN(event_splitter_filter, plugin) {
  using millrace::Object;
  using millrace::Setting;
  using millrace::SettingType;
  plugin.filter<millrace::event_splitter::EventSplitter>(
      "event_splitter", "Makes one event of each element of a list inside the event.",
      {{Setting("splitter_key", SettingType::string, "where the list is, keys separated by dots")
            .required(),
        Setting("attributes_key_map", SettingType::object,
                "keys to add to each new event, and where their values are in the event")
            .by_default(Object())
            .nullable(),
        Setting("extras", SettingType::object, "keys and values to add to each new event")
            .by_default(Object())
            .nullable(),
        Setting("raise_error", SettingType::boolean, "whether an event without the list is refused")
            .by_default(false)}});
}
