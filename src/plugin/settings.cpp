// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "setting_check.hpp"

namespace millrace {
namespace {

std::string with_hint(const Fault& fault) {
  return fault.hint.empty() ? fault.message : fmt::format("{} ({})", fault.message, fault.hint);
}

[[noreturn]] void misuse(std::string_view name, std::string_view how) {
  fmt::print(stderr, "bug: the setting `{}` {}\n", name, how);
  std::abort();
}

}  // namespace

std::string_view to_string(SettingType type) {
  switch (type) {
    case SettingType::any:
      return "any";
    case SettingType::string:
      return "string";
    case SettingType::integer:
      return "integer";
    case SettingType::number:
      return "number";
    case SettingType::boolean:
      return "boolean";
    case SettingType::seconds:
      return "seconds";
    case SettingType::strings:
      return "strings";
    case SettingType::list:
      return "list";
    case SettingType::object:
      return "object";
  }
  std::abort();
}

Result<Settings> Settings::check(const SettingsSchema& schema, const Object& given) {
  Settings settings;
  std::vector<std::string> faults;
  for (const auto& setting : schema.settings) {
    auto& kept = settings.values_[setting.name()];
    const Value* value = given.if_contains(setting.name());
    if (value == nullptr || (value->is_null() && setting.is_nullable())) {
      if (setting.is_required()) faults.push_back(missing(setting).message);
      kept = default_of(setting);
      continue;
    }
    auto checked = check_given(setting, *value, Templates::are_text);
    if (checked) {
      kept = std::move(*checked);
    } else {
      faults.push_back(with_hint(checked.error()));
    }
  }
  for (const auto& entry : given) {
    const std::string_view name(entry.key().data(), entry.key().size());
    if (schema.unknown == Unknown::warning || settings.values_.contains(name)) continue;
    if (schema.unknown == Unknown::accept) {
      settings.values_.emplace(name, entry.value());
    } else {
      faults.push_back(with_hint(unknown(schema, name)));
    }
  }
  if (!faults.empty()) return fail(Errc::invalid_settings, "{}", fmt::join(faults, "; "));
  return settings;
}

bool Settings::has(std::string_view name) const { return !value(name).is_null(); }

std::string Settings::string(std::string_view name) const {
  if (!value(name).is_string()) misuse(name, "is not a string here");
  return std::string(view(value(name).get_string()));
}

std::int64_t Settings::integer(std::string_view name) const {
  if (!value(name).is_int64()) misuse(name, "is not an integer here");
  return value(name).get_int64();
}

double Settings::number(std::string_view name) const {
  if (!value(name).is_double()) misuse(name, "is not a number here");
  return value(name).get_double();
}

bool Settings::boolean(std::string_view name) const {
  if (!value(name).is_bool()) misuse(name, "is not a boolean here");
  return value(name).get_bool();
}

Duration Settings::seconds(std::string_view name) const {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(number(name)));
}

std::vector<std::string> Settings::strings(std::string_view name) const {
  std::vector<std::string> strings;
  for (const auto& item : list(name)) {
    if (!item.is_string()) misuse(name, "is not a list of strings here");
    strings.emplace_back(view(item.get_string()));
  }
  return strings;
}

const Value& Settings::value(std::string_view name) const {
  const auto* value = values_.if_contains(name);
  if (value == nullptr) misuse(name, "was not declared");
  return *value;
}

const Array& Settings::list(std::string_view name) const {
  if (!value(name).is_array()) misuse(name, "is not a list here");
  return value(name).get_array();
}

const Object& Settings::object(std::string_view name) const {
  if (!value(name).is_object()) misuse(name, "is not an object here");
  return value(name).get_object();
}

}  // namespace millrace
