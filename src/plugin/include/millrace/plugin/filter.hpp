// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "millrace/base/log.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/task.hpp"

namespace millrace {

/// Turns one event into zero or more, between a source and its rule set. Loop thread only.
///
/// Errors: invalid_event and not_found tell of one event alone, which is refused: nothing of it
/// goes on, the source is told, others are not affected. Any other error ends the source.
class Filter {
 public:
  Filter() = default;
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;
  virtual ~Filter() = default;

  /// Appends what becomes of `event` to `out`. Pure apart from logging. This, or apply_all(), is
  /// what a filter implements.
  virtual Result<> apply(Value event, std::vector<Value>& out, Log& log);

  /// What becomes of each of `events`, in their order, up to the first error that ends the source;
  /// calls apply() for each. Filters that wait for somebody implement this instead; it is then
  /// called for one batch after the other.
  using Outcome = Result<std::vector<Value>>;
  virtual Task<std::vector<Outcome>> apply_all(std::vector<Value> events, Log& log);
};

/// Whether a filter's error tells of one event, which is refused, and not of the filter.
bool is_about_one_event(const Error& error);

}  // namespace millrace
