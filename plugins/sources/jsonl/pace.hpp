// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "millrace/base/clock.hpp"

namespace millrace::jsonl {

/// Spreads events evenly over time: event number n is due n / rate seconds after the start. Whoever
/// falls behind catches up, but no more than a second's worth, so that a long pause is not followed
/// by a flood.
class Pace {
 public:
  Pace(double per_second, Instant start) : interval_(1e9 / per_second), start_(start) {}

  /// How many events may go now.
  std::size_t due(Instant now) {
    const auto slots = static_cast<double>((now - start_).count()) / interval_ + 1;
    if (const double behind = (slots - sent_) * interval_; behind > kMostBehind + interval_) {
      start_ += Duration(static_cast<Duration::rep>(behind - kMostBehind - interval_));
      return due(now);
    }
    return static_cast<std::size_t>(std::max(0.0, slots - sent_ + kRounding));
  }
  void sent(std::size_t events) { sent_ += static_cast<double>(events); }
  /// Until the next event is due; at high rates until several are, so that timers do not cost more
  /// than events.
  Duration wait(Instant now) const {
    const auto next = start_ + Duration(static_cast<Duration::rep>(sent_ * interval_));
    return std::max<Duration>(next - now, std::chrono::milliseconds(10));
  }

 private:
  static constexpr double kMostBehind = 1e9;
  static constexpr double kRounding = 1e-6;  ///< of an event: a timer may ring a nanosecond early

  const double interval_;  ///< nanoseconds
  Instant start_;
  double sent_ = 0;
};

}  // namespace millrace::jsonl
