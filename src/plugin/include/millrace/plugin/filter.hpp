// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "millrace/base/log.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace {

/// Turns one event into zero or more, between a source and its rule set. Pure apart from logging;
/// loop thread only.
class Filter {
 public:
  Filter() = default;
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;
  virtual ~Filter() = default;

  /// Appends what becomes of `event` to `out`. Errors: invalid_event and not_found tell of this
  /// event alone, which is refused: nothing of it goes on, the source is told, others are not
  /// affected. Any other error ends the source.
  virtual Result<> apply(Value event, std::vector<Value>& out, Log& log) = 0;
};

}  // namespace millrace
