// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>

#include "millrace/base/clock.hpp"

namespace millrace {

/// How long to wait before the next try: twice as long each time, and of that a random part, at
/// least half, so that many who have lost the same peer do not come back all at once.
class Backoff {
 public:
  struct Limits {
    Duration first = std::chrono::milliseconds(200);
    Duration longest = std::chrono::seconds(30);
  };

  explicit Backoff(Limits limits, std::uint64_t seed = std::random_device()())
      : limits_(limits), whole_(limits.first), random_(seed) {}

  Duration next();
  /// The last try was a success.
  void reset() { whole_ = limits_.first; }

 private:
  const Limits limits_;
  Duration whole_;
  std::minstd_rand random_;
};

}  // namespace millrace
