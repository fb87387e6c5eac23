// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "millrace/event/value.hpp"
#include "millrace/plugin/settings.hpp"

namespace millrace {

/// What is wrong with one setting, and how to mend it.
struct Fault {
  std::string code;
  std::string message;
  std::string hint;
};

/// Whether a text that holds `{{` stands for a value that is not known yet.
enum class Templates { are_text, pass };

bool is_template(const Value& value);

/// The given value in the one form that Settings keeps for its type: std::int64_t for integers,
/// double for numbers and seconds, a list of strings for strings.
std::expected<Value, Fault> check_given(const Setting& setting, const Value& given,
                                        Templates templates);

/// The default in the same form, or null. Its range and choices are not checked: "off" may lie
/// outside. Aborts on a default of another type.
Value default_of(const Setting& setting);

Fault missing(const Setting& setting);
Fault unknown(const SettingsSchema& schema, std::string_view name);

std::vector<std::string> names_of(const SettingsSchema& schema);

}  // namespace millrace
