// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>

#include "millrace/base/clock.hpp"

namespace millrace::pg_listener {

/// How often, and after which waits, a connection is tried again: 2, 4, 8… seconds, a tenth less
/// at the most, so that many who have lost the same server do not come back all at once.
class RetryBudget {
 public:
  struct Limits {
    std::int64_t attempts = 10;
    Duration longest = std::chrono::seconds(60);
  };

  explicit RetryBudget(Limits limits, std::uint64_t seed = std::random_device()())
      : limits_(limits), random_(seed) {}

  /// How long to wait before the next try; nothing when all have been used.
  std::optional<Duration> next() {
    if (used_ >= limits_.attempts) return std::nullopt;
    ++used_;
    whole_ = std::min(2 * whole_, limits_.longest);
    std::uniform_int_distribution<Duration::rep> less(0, whole_.count() / 10);
    return whole_ - Duration(less(random_));
  }
  /// There is a connection: the next outage has all tries again.
  void reset() {
    used_ = 0;
    whole_ = kHalfOfTheFirst;
  }

 private:
  static constexpr Duration kHalfOfTheFirst = std::chrono::seconds(1);

  const Limits limits_;
  std::int64_t used_ = 0;
  Duration whole_ = kHalfOfTheFirst;
  std::minstd_rand random_;
};

}  // namespace millrace::pg_listener
