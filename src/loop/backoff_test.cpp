// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/backoff.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Backoff, DoublesUpToTheLongestAndStartsAgain) {
  Backoff backoff({.first = milliseconds(100), .longest = seconds(1)}, 7);
  Duration whole = milliseconds(100);
  for (int i = 0; i < 20; ++i) {
    const Duration pause = backoff.next();
    EXPECT_GE(pause, whole / 2) << i;
    EXPECT_LE(pause, whole) << i;
    whole = std::min<Duration>(2 * whole, seconds(1));
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), milliseconds(100));
}

TEST(Backoff, TwoThatFailTogetherDoNotComeBackTogether) {
  Backoff one({}, 1);
  Backoff other({}, 2);
  int same = 0;
  for (int i = 0; i < 20; ++i) same += one.next() == other.next() ? 1 : 0;
  EXPECT_LT(same, 3);
}

}  // namespace
}  // namespace millrace
