// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/plugin/glob_path.hpp"

namespace millrace {

/// The setting `var_root` of actions: which part of the events they mean. A path, or a mapping of
/// paths to the names under which the parts are known; null: whole events.
class VarRoot {
 public:
  /// Errors: invalid_settings.
  static Result<VarRoot> read(const Value& setting);

  /// The events of a match by binding, each the part that is meant; an event without it as it is.
  /// Errors: invalid_event for a path that is ambiguous.
  Result<Object> apply(const std::vector<std::pair<std::string, DocumentPtr>>& bindings) const;

 private:
  struct Root {
    GlobPath path;
    std::string new_name;  // empty: the event's own
  };
  Result<> add(std::string_view path, std::string_view new_name);
  Result<Value> part_of_one(const Value& event) const;

  std::vector<Root> roots_;
};

}  // namespace millrace
