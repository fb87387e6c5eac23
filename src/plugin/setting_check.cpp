// SPDX-License-Identifier: Apache-2.0
#include "setting_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace {
namespace {

using Coerced = std::expected<Value, Fault>;

constexpr std::size_t kShownText = 40;  // characters of a wrong text that a message repeats
constexpr double kLongestSeconds = 9'000'000'000;  // what a Duration can hold, 285 years

std::string_view wanted(SettingType type) {
  switch (type) {
    case SettingType::any:
      return "a value";
    case SettingType::string:
      return "a string";
    case SettingType::integer:
      return "an integer";
    case SettingType::number:
      return "a number";
    case SettingType::boolean:
      return "true or false";
    case SettingType::seconds:
      return "a number of seconds";
    case SettingType::strings:
      return "a list of strings";
    case SettingType::list:
      return "a list";
    case SettingType::object:
      return "a mapping";
  }
  std::abort();
}

std::string shown(const Value& value, bool secret) {
  if (value.is_null()) return "null";
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_array()) return "a list";
  if (value.is_object()) return "a mapping";
  if (secret) return value.is_string() ? "this text" : "this number";
  if (!value.is_string()) return to_json(value);
  const auto text = view(value.get_string());
  return fmt::format("`{}`", text.size() > kShownText ? printable(text.substr(0, kShownText)) + "…"
                                                      : printable(text));
}

Coerced wrong_type(std::string_view name, SettingType type, const Value& given, bool secret) {
  return std::unexpected(
      Fault{"wrong-type",
            fmt::format("{} must be {}, not {}", name, wanted(type), shown(given, secret)),
            {}});
}

template <class Number>
std::optional<Number> parsed(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::string> as_string(const Value& given) {
  if (given.is_string()) return std::string(view(given.get_string()));
  if (given.is_bool() || given.is_number()) return to_json(given);
  return std::nullopt;
}

std::optional<std::int64_t> as_integer(const Value& given) {
  constexpr double kBound = 9'223'372'036'854'775'808.0;  // 2^63, exact
  if (given.is_int64()) return given.get_int64();
  if (given.is_double() && given.get_double() >= -kBound && given.get_double() < kBound) {
    return static_cast<std::int64_t>(given.get_double());
  }
  if (given.is_string()) return parsed<std::int64_t>(view(given.get_string()));
  if (given.is_uint64() && given.get_uint64() < static_cast<std::uint64_t>(kBound)) {
    return static_cast<std::int64_t>(given.get_uint64());
  }
  return std::nullopt;
}

std::optional<double> as_number(const Value& given) {
  std::optional<double> number;
  if (given.is_number()) number = given.to_number<double>();
  if (given.is_string()) number = parsed<double>(view(given.get_string()));
  return number && std::isfinite(*number) ? number : std::nullopt;
}

// Also the words of YAML 1.1, since a template gives texts.
std::optional<bool> as_boolean(const Value& given) {
  constexpr std::array<std::string_view, 3> kTrue = {"true", "yes", "on"};
  constexpr std::array<std::string_view, 3> kFalse = {"false", "no", "off"};
  if (given.is_bool()) return given.get_bool();
  if (given.is_int64() && (given.get_int64() == 0 || given.get_int64() == 1))
    return given.get_int64() == 1;
  if (!given.is_string()) return std::nullopt;
  std::string word(trim(view(given.get_string())));
  std::ranges::transform(word, word.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (std::ranges::find(kTrue, word) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, word) != kFalse.end()) return false;
  return std::nullopt;
}

template <class Made>
Coerced made_or_wrong(const Setting& setting, const Value& given, const std::optional<Made>& made) {
  if (made) return Value(*made);
  return wrong_type(setting.name(), setting.type(), given, setting.is_secret());
}

Coerced coerce_strings(const Setting& setting, const Value& given) {
  if (auto one = as_string(given)) return Value(Array{Value(*one)});
  if (!given.is_array())
    return wrong_type(setting.name(), setting.type(), given, setting.is_secret());
  Array strings;
  for (const auto& item : given.get_array()) {
    const auto text = as_string(item);
    if (!text) {
      const auto place = fmt::format("{}[{}]", setting.name(), strings.size());
      return wrong_type(place, SettingType::string, item, setting.is_secret());
    }
    strings.emplace_back(*text);
  }
  return Value(std::move(strings));
}

// The value in the one form that Settings keeps for its type.
Coerced coerce(const Setting& setting, const Value& given) {
  switch (setting.type()) {
    case SettingType::any:
      return given;
    case SettingType::string:
      return made_or_wrong(setting, given, as_string(given));
    case SettingType::integer:
      return made_or_wrong(setting, given, as_integer(given));
    case SettingType::number:
    case SettingType::seconds:
      return made_or_wrong(setting, given, as_number(given));
    case SettingType::boolean:
      return made_or_wrong(setting, given, as_boolean(given));
    case SettingType::strings:
      return coerce_strings(setting, given);
    case SettingType::list:
      if (given.is_array()) return given;
      break;
    case SettingType::object:
      if (given.is_object()) return given;
      break;
  }
  return wrong_type(setting.name(), setting.type(), given, setting.is_secret());
}

std::optional<Fault> range_fault(const Setting& setting, const Value& value) {
  if (!value.is_int64() && !value.is_double()) return std::nullopt;
  const auto number = value.to_number<double>();
  const bool seconds = setting.type() == SettingType::seconds;
  const double least = seconds ? std::max(setting.least(), -kLongestSeconds) : setting.least();
  const double most = seconds ? std::min(setting.most(), kLongestSeconds) : setting.most();
  if (number < least)
    return Fault{"out-of-range", fmt::format("{} must be at least {}", setting.name(), least), {}};
  if (number > most)
    return Fault{"out-of-range", fmt::format("{} must be at most {}", setting.name(), most), {}};
  return std::nullopt;
}

std::optional<Fault> choice_fault(const Setting& setting, const Value& value, Templates templates) {
  if (setting.choices().empty()) return std::nullopt;
  if (setting.type() == SettingType::strings && value.is_array()) {
    for (const auto& item : value.get_array()) {
      if (auto fault = choice_fault(setting, item, templates)) return fault;
    }
    return std::nullopt;
  }
  const auto text = as_string(value);
  if (templates == Templates::pass && is_template(value)) return std::nullopt;
  if (text && std::ranges::find(setting.choices(), *text) != setting.choices().end())
    return std::nullopt;
  return Fault{"bad-choice",
               fmt::format("{} must be one of {}, not {}", setting.name(),
                           fmt::join(setting.choices(), ", "), shown(value, setting.is_secret())),
               text ? did_you_mean(*text, setting.choices()) : std::string()};
}

}  // namespace

bool is_template(const Value& value) {
  return value.is_string() && view(value.get_string()).find("{{") != std::string_view::npos;
}

Coerced check_given(const Setting& setting, const Value& given, Templates templates) {
  auto value = coerce(setting, given);
  if (!value) return value;
  if (auto fault = range_fault(setting, *value)) return std::unexpected(std::move(*fault));
  if (auto fault = choice_fault(setting, *value, templates))
    return std::unexpected(std::move(*fault));
  return value;
}

Value default_of(const Setting& setting) {
  if (!setting.default_value() || setting.default_value()->is_null()) return nullptr;
  auto value = coerce(setting, *setting.default_value());
  if (!value) {
    fmt::print(stderr, "bug: the default is wrong: {}\n", value.error().message);
    std::abort();
  }
  return std::move(*value);
}

std::vector<std::string> names_of(const SettingsSchema& schema) {
  std::vector<std::string> names;
  names.reserve(schema.settings.size());
  for (const auto& setting : schema.settings) names.push_back(setting.name());
  return names;
}

Fault missing(const Setting& setting) {
  return {"missing-setting", fmt::format("{} is required", setting.name()), setting.meaning()};
}

Fault unknown(const SettingsSchema& schema, std::string_view name) {
  return {"unknown-setting", fmt::format("{} is not a known setting", printable(name)),
          did_you_mean(name, names_of(schema))};
}

}  // namespace millrace
