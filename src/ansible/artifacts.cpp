// SPDX-License-Identifier: Apache-2.0
#include "artifacts.hpp"

#include <fmt/format.h>

#include <string_view>

namespace millrace::ansible {
namespace {

const Object* object_at(const Object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

std::string_view text_at(const Object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : view(*text);
}

bool flag_at(const Object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

// "set_fact" of "ansible.builtin.set_fact".
std::string_view short_name(std::string_view action) {
  return action.substr(action.rfind('.') + 1);
}

}  // namespace

const Object* event_data(const Object& event) { return object_at(event, "event_data"); }

std::optional<Artifacts> artifacts_of(const Object& event) {
  const auto kind = text_at(event, "event");
  if (kind != "runner_on_ok" && kind != "runner_item_on_ok") return std::nullopt;
  const auto* data = event_data(event);
  const auto* result = data == nullptr ? nullptr : object_at(*data, "res");
  if (result == nullptr) return std::nullopt;
  if (const auto* stats = object_at(*result, "ansible_stats")) {
    if (const auto* of_stats = object_at(*stats, "data")) return Artifacts{*of_stats, true};
  }
  if (short_name(text_at(*data, "task_action")) != "set_fact") return std::nullopt;
  if (const auto* facts = object_at(*result, "ansible_facts"))
    return Artifacts{*facts, flag_at(*data, "cacheable")};
  return std::nullopt;
}

std::string reason_of(const Object& event) {
  const auto kind = text_at(event, "event");
  if (kind != "runner_on_failed" && kind != "runner_on_unreachable") return {};
  const auto* data = event_data(event);
  if (data == nullptr || flag_at(*data, "ignore_errors")) return {};
  const auto* result = object_at(*data, "res");
  const auto message = result == nullptr ? std::string_view() : text_at(*result, "msg");
  return fmt::format("{}: {}: {}", text_at(*data, "host"), text_at(*data, "task"),
                     message.empty() ? "failed" : message);
}

}  // namespace millrace::ansible
