// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/diagnostic.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/event/yaml.hpp"

namespace millrace {

enum class SettingType {
  any,
  string,   ///< numbers and booleans are taken as their text
  integer,  ///< "10" and 2.7 are taken too (10, 2): a template gives texts
  number,
  boolean,
  seconds,  ///< a number of seconds, fractions allowed
  strings,  ///< a list of strings; one string is a list of one
  list,
  object,
};

/// Declares one setting of an extension: from here come the check of what users write, the
/// defaults, and the reference.
class Setting {
 public:
  Setting(std::string name, SettingType type, std::string meaning)
      : name_(std::move(name)), type_(type), meaning_(std::move(meaning)) {}

  Setting&& required() && {
    required_ = true;
    return std::move(*this);
  }
  Setting&& by_default(Value value) && {
    default_ = std::move(value);
    return std::move(*this);
  }
  Setting&& one_of(std::vector<std::string> choices) && {
    choices_ = std::move(choices);
    return std::move(*this);
  }
  Setting&& at_least(double least) && {
    least_ = least;
    return std::move(*this);
  }
  Setting&& at_most(double most) && {
    most_ = most;
    return std::move(*this);
  }
  Setting&& secret() && {
    secret_ = true;
    return std::move(*this);
  }
  Setting&& nullable() && {
    nullable_ = true;
    return std::move(*this);
  }  ///< null counts as not given

  const std::string& name() const { return name_; }
  SettingType type() const { return type_; }
  const std::string& meaning() const { return meaning_; }
  bool is_required() const { return required_; }
  const std::optional<Value>& default_value() const { return default_; }
  const std::vector<std::string>& choices() const { return choices_; }
  double least() const { return least_; }
  double most() const { return most_; }
  bool is_secret() const { return secret_; }
  bool is_nullable() const { return nullable_; }

 private:
  std::string name_;
  SettingType type_;
  std::string meaning_;
  bool required_ = false;
  std::optional<Value> default_;
  std::vector<std::string> choices_;
  double least_ = -std::numeric_limits<double>::infinity();
  double most_ = std::numeric_limits<double>::infinity();
  bool secret_ = false;
  bool nullable_ = false;
};

/// What a setting that nobody declared is: wrong, dropped with a warning, or taken as it is (see
/// Settings::all()).
enum class Unknown { error, warning, accept };

/// What an extension takes.
struct SettingsSchema {
  std::vector<Setting> settings;
  Unknown unknown = Unknown::error;
};

std::string_view to_string(SettingType type);

/// Checked settings: every declared name has a value of its type, given or by default, or null.
/// Asking for a name that was not declared, or as another type, is a bug and aborts.
class Settings {
 public:
  /// Errors: invalid_settings, naming every fault at once, separated by "; ".
  static Result<Settings> check(const SettingsSchema& schema, const Object& given);

  /// Nothing was checked: an action's settings hold templates, which are rendered when a rule
  /// fires.
  bool empty() const { return values_.empty(); }
  bool has(std::string_view name) const;  ///< given, or has a default; not null
  std::string string(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  bool boolean(std::string_view name) const;
  Duration seconds(std::string_view name) const;
  std::vector<std::string> strings(std::string_view name) const;
  const Value& value(std::string_view name) const;
  const Array& list(std::string_view name) const;
  const Object& object(std::string_view name) const;
  /// Every declared setting, and what the schema accepts besides.
  const Object& all() const { return values_; }

 private:
  Object values_;
};

/// The same check on what a rulebook says, with places: a text that holds `{{` is of any type until
/// it is rendered. `what` names the extension in messages ("source webhook"); `where` is its place,
/// for settings that are missing.
void check_settings(const SettingsSchema& schema, const YamlNode& given, std::string_view what,
                    const Location& where, Diagnostics& diagnostics);

}  // namespace millrace
