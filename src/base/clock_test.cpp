// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/clock.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace millrace {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNoon(std::chrono::seconds(1'795'259'882));

TEST(Clock, WritesIso8601WithAFractionOnlyWhenThereIsOne) {
  EXPECT_EQ(to_iso8601(kNoon), "2026-11-21T11:18:02Z");
  EXPECT_EQ(to_iso8601(kNoon + 836006us), "2026-11-21T11:18:02.836006Z");
  EXPECT_EQ(to_iso8601(kNoon + 7us), "2026-11-21T11:18:02.000007Z");
  EXPECT_EQ(to_iso8601(WallTime()), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_iso8601(WallTime(-1us)), "1969-12-31T23:59:59.999999Z");
}

TEST(Clock, WritesLocalTimeInTheZoneOfTheProcess) {
  ASSERT_EQ(setenv("TZ", "XXX-02:30", 1), 0);
  tzset();
  EXPECT_EQ(to_local_text(kNoon + 836006us), "2026-11-21 13:48:02.836006");
  EXPECT_EQ(to_local_text(kNoon), "2026-11-21 13:48:02.000000");
  ASSERT_EQ(unsetenv("TZ"), 0);
  tzset();
}

TEST(Clock, AManualClockStandsUntilItIsMoved) {
  ManualClock clock(kNoon);
  const auto start = clock.now();
  EXPECT_EQ(clock.now(), start);
  clock.advance(1500ms);
  EXPECT_EQ(clock.now() - start, 1500ms);
  EXPECT_EQ(clock.wall(), kNoon + 1500ms);
}

TEST(Clock, TheSystemClockDoesNotGoBack) {
  const SystemClock clock;
  const auto first = clock.now();
  EXPECT_LE(first, clock.now());
  EXPECT_GT(clock.wall(), WallTime(std::chrono::seconds(1'700'000'000)));
}

TEST(Clock, ReadsTheTimesThatItWrites) {
  for (const std::int64_t micros :
       {0LL, 1'700'000'000'123'456LL, 951'782'400'000'000LL, 17'952'789'502'501'079LL}) {
    const WallTime time{std::chrono::microseconds(micros)};
    EXPECT_EQ(from_iso8601(to_iso8601(time)), time);
  }
  for (const auto* text : {"", "2026-11-21", "2026-11-21T10:00:00", "2026-11-21T10:00:00Zx",
                           "2026-11-21T10:00:99Z", "yesterday"})
    EXPECT_EQ(from_iso8601(text), std::nullopt) << text;
}

}  // namespace
}  // namespace millrace
