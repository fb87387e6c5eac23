// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "millrace/rules/rulebook.hpp"
#include "rulebook_fields.hpp"

namespace millrace::rules {

/// What `condition` of a rule holds.
struct Conditions {
  Rule::Combine combine = Rule::Combine::single;
  std::vector<Condition> conditions;  ///< those without errors
  std::size_t written = 1;            ///< how many there are, with errors or without
  std::optional<Span> timeout;
};

/// `node` is the value of `condition`.
Conditions load_conditions(const YamlNode& node, const Loading& loading);

}  // namespace millrace::rules
