// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/backoff.hpp"

#include <algorithm>

namespace millrace {

Duration Backoff::next() {
  const Duration half = whole_ / 2;
  std::uniform_int_distribution<Duration::rep> part(0, (whole_ - half).count());
  whole_ = std::min(2 * whole_, limits_.longest);
  return half + Duration(part(random_));
}

}  // namespace millrace
