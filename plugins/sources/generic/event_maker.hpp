// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/plugin/settings.hpp"

namespace millrace::generic {

/// Makes an event of an entry of the payload: running number, blob and time first, then the entry's
/// own keys, which win.
class EventMaker {
 public:
  /// Errors: invalid_settings for an unknown time_format, when times are wanted.
  static Result<EventMaker> create(const Settings& settings);

  /// Errors: invalid_event for an entry that is no object (nor a list of pairs, which Python takes
  /// for one).
  Result<Value> make(const Value& entry, WallTime now);
  void shuffle(std::vector<Value>& entries);

  std::size_t blob_size() const { return blob_.size(); }

 private:
  enum class TimeFormat { none, local, iso8601, epoch };

  EventMaker() = default;
  Value time(WallTime now) const;

  std::string index_key_;  ///< empty: events are not numbered
  std::string blob_;
  TimeFormat time_format_ = TimeFormat::none;
  std::mt19937_64 random_;
  std::int64_t next_index_ = 0;
};

}  // namespace millrace::generic
