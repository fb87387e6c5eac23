// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

using Duration = std::chrono::nanoseconds;

/// A point on a clock that never goes back; only differences mean anything.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// A point of the calendar, UTC.
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

/// Where time comes from. Everything that waits or measures takes one, so that tests and replays
/// move time by hand. Both functions may be called on any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual WallTime wall() const = 0;

 protected:
  Clock() = default;
  Clock(const Clock&) = default;
  Clock& operator=(const Clock&) = default;
};

/// Instants count from 1970 by the calendar of when the clock was made, so that they can be kept
/// for a later run; setting the calendar does not move them.
class SystemClock final : public Clock {
 public:
  SystemClock();
  Instant now() const override { return std::chrono::steady_clock::now() + offset_; }
  WallTime wall() const override;

 private:
  const Duration offset_;
};

/// Stands still until it is moved. Not thread-safe: one thread moves and reads it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = WallTime(std::chrono::seconds(1'700'000'000)))
      : wall_(start) {}
  Instant now() const override { return now_; }
  WallTime wall() const override { return wall_; }
  void advance(Duration by) {
    now_ += by;
    wall_ += std::chrono::duration_cast<std::chrono::microseconds>(by);
  }

 private:
  Instant now_{};
  WallTime wall_;
};

/// "2026-11-21T11:18:02.836006Z"; no fraction when it is zero (as Python's isoformat does).
std::string to_iso8601(WallTime time);

/// The reverse: with or without a fraction, ending in Z. Nothing for what is no such text.
std::optional<WallTime> from_iso8601(std::string_view text);

/// "2026-11-21 11:18:02.836006" in the local time zone.
std::string to_local_text(WallTime time);

}  // namespace millrace
