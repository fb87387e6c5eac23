// SPDX-License-Identifier: Apache-2.0
#include "rename_pairing.hpp"

#include <gtest/gtest.h>
#include <sys/inotify.h>

#include <string>

namespace millrace::watchdog {
namespace {

using namespace std::chrono_literals;

InotifyEvent event(std::uint32_t mask, std::string name, std::uint32_t cookie = 0) {
  return {.watch = 1, .mask = mask, .cookie = cookie, .name = std::move(name)};
}

class RenamePairingTest : public ::testing::Test {
 protected:
  // "name" or "name>target", in their order.
  std::string take(Duration at) {
    std::string all;
    for (const auto& step : pairing_.take(Instant(at))) {
      all += (all.empty() ? "" : " ") + step.event.name;
      if (step.target) all += ">" + step.target->name;
    }
    return all;
  }

  RenamePairing pairing_;
};

TEST_F(RenamePairingTest, UnitesTheHalvesOfARename) {
  pairing_.add({event(IN_CREATE, "x"), event(IN_MOVED_FROM, "a", 7), event(IN_MOVED_TO, "b", 7)},
               Instant(0s));

  EXPECT_EQ(take(0s), "x a>b");
  EXPECT_FALSE(pairing_.deadline());
}

TEST_F(RenamePairingTest, HoldsAFirstHalfAndWhatCameAfterItForHalfASecond) {
  pairing_.add({event(IN_MOVED_FROM, "a", 7), event(IN_CREATE, "x")}, Instant(1s));

  EXPECT_EQ(take(1s), "");
  EXPECT_EQ(pairing_.deadline(), Instant(1500ms));
  EXPECT_EQ(take(1499ms), "");
  EXPECT_EQ(take(1500ms), "a x");
}

TEST_F(RenamePairingTest, ASecondHalfMayComeLater) {
  pairing_.add({event(IN_MOVED_FROM, "a", 7), event(IN_CREATE, "x")}, Instant(0s));
  EXPECT_EQ(take(0s), "");

  pairing_.add({event(IN_MOVED_TO, "b", 7)}, Instant(100ms));

  EXPECT_EQ(take(100ms), "a>b x");
}

TEST_F(RenamePairingTest, PairsByCookie) {
  pairing_.add({event(IN_MOVED_FROM, "a", 1), event(IN_MOVED_FROM, "b", 2),
                event(IN_MOVED_TO, "c", 1), event(IN_MOVED_TO, "d", 3)},
               Instant(0s));

  EXPECT_EQ(take(0s), "a>c");
  EXPECT_EQ(take(500ms), "b d");
}

TEST_F(RenamePairingTest, DoesNotWaitOnceEventsWereLost) {
  pairing_.add({event(IN_MOVED_FROM, "a", 1), event(IN_Q_OVERFLOW, "lost")}, Instant(0s));

  EXPECT_EQ(take(0s), "a lost");
}

TEST_F(RenamePairingTest, HoldsABoundedNumber) {
  pairing_.add({event(IN_MOVED_FROM, "a", 1)}, Instant(0s));
  for (std::size_t i = 0; i < RenamePairing::kMostWaiting; ++i)
    pairing_.add({event(IN_MODIFY, "x")}, Instant(0s));

  EXPECT_EQ(pairing_.take(Instant(0s)).size(), RenamePairing::kMostWaiting + 1);
}

}  // namespace
}  // namespace millrace::watchdog
