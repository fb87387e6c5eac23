// SPDX-License-Identifier: Apache-2.0
#include "timer_wheel.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>

namespace millrace::rules {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

Instant at(Duration since_zero) { return Instant(since_zero); }

std::vector<std::uint32_t> fired_until(TimerWheel& wheel, Instant now) {
  std::vector<std::uint32_t> items;
  wheel.advance(now, [&](Instant, TimerWheel::Purpose purpose) { items.push_back(purpose.item); });
  return items;
}

TEST(TimerWheel, FiresWhatIsDueInTheOrderOfDeadlines) {
  TimerWheel wheel;
  wheel.set(at(milliseconds(30)), {0, 3});
  wheel.set(at(milliseconds(10)), {0, 1});
  wheel.set(at(hours(2)), {0, 4});
  wheel.set(at(milliseconds(10) + nanoseconds(5)), {0, 2});
  EXPECT_EQ(fired_until(wheel, at(milliseconds(10) - nanoseconds(1))),
            (std::vector<std::uint32_t>{}));
  EXPECT_EQ(fired_until(wheel, at(milliseconds(10))), (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(fired_until(wheel, at(hours(3))), (std::vector<std::uint32_t>{2, 3, 4}));
  EXPECT_EQ(wheel.size(), 0U);
}

TEST(TimerWheel, FiresTimersOfOneDeadlineInTheOrderInWhichTheyWereSet) {
  TimerWheel wheel;
  wheel.set(at(hours(1)), {0, 1});
  fired_until(wheel, at(hours(1) - milliseconds(1)));
  wheel.set(at(hours(1)), {0, 2});
  EXPECT_EQ(fired_until(wheel, at(hours(1))), (std::vector<std::uint32_t>{1, 2}));
}

TEST(TimerWheel, FiresAtOnceWhatIsOverWhenItIsSet) {
  TimerWheel wheel;
  fired_until(wheel, at(hours(1)));
  wheel.set(at(milliseconds(1)), {0, 7});
  EXPECT_EQ(wheel.next(), at(milliseconds(1)));
  EXPECT_EQ(fired_until(wheel, at(hours(1))), (std::vector<std::uint32_t>{7}));
}

TEST(TimerWheel, CancelsFromWithinATimer) {
  TimerWheel wheel;
  const auto other = std::make_pair(wheel.set(at(milliseconds(5)), {0, 1}),
                                    wheel.set(at(milliseconds(5)), {0, 2}));
  std::vector<std::uint32_t> items;
  wheel.advance(at(milliseconds(9)), [&](Instant, TimerWheel::Purpose purpose) {
    items.push_back(purpose.item);
    if (purpose.item == 1) wheel.cancel(other.second);
  });
  EXPECT_EQ(items, (std::vector<std::uint32_t>{1}));
}

TEST(TimerWheel, FiresWithinOneStepWhatATimerSets) {
  TimerWheel wheel;
  wheel.set(at(milliseconds(10)), {0, 0});
  wheel.set(at(milliseconds(25)), {0, 100});
  std::vector<std::uint32_t> items;
  wheel.advance(at(milliseconds(40)), [&](Instant deadline, TimerWheel::Purpose purpose) {
    items.push_back(purpose.item);
    if (purpose.item < 3) wheel.set(deadline + milliseconds(10), {0, purpose.item + 1});
  });
  EXPECT_EQ(items, (std::vector<std::uint32_t>{0, 1, 100, 2, 3}));
}

// Beside a map from deadlines to timers, which is plainly right.
TEST(TimerWheel, AgreesWithASortedMapOnRandomTimers) {
  std::mt19937_64 random(7);
  TimerWheel wheel;
  std::multimap<Instant, std::uint32_t> expected;
  std::vector<std::pair<TimerId, std::uint32_t>> alive;
  Instant now = at(hours(1000));
  fired_until(wheel, now);
  std::uint32_t item = 0;
  for (int step = 0; step < 20'000; ++step) {
    const auto reach = Duration(std::int64_t{1} << (random() % 50));
    const auto choice = random() % 10;
    if (choice < 6) {
      const Instant deadline = now + milliseconds(1) + Duration(random() % reach.count());
      alive.emplace_back(wheel.set(deadline, {0, item}), item);
      expected.emplace(deadline, item++);
    } else if (choice < 8 && !alive.empty()) {
      const auto index = random() % alive.size();
      const auto [id, cancelled] = alive[index];
      alive.erase(alive.begin() + static_cast<std::ptrdiff_t>(index));
      wheel.cancel(id);
      std::erase_if(expected, [&](const auto& entry) { return entry.second == cancelled; });
    } else {
      now += Duration(random() % reach.count());
      const auto first = expected.empty() ? Instant::max() : expected.begin()->first;
      const auto next = wheel.next();
      ASSERT_EQ(next.has_value(), !expected.empty());
      if (next) ASSERT_LE(*next, first);
      std::vector<std::uint32_t> due;
      for (auto end = expected.upper_bound(now); expected.begin() != end;) {
        due.push_back(expected.begin()->second);
        expected.erase(expected.begin());
      }
      ASSERT_EQ(fired_until(wheel, now), due);
      std::erase_if(alive, [&](const auto& entry) {
        return std::ranges::find(due, entry.second) != due.end();
      });
    }
    ASSERT_EQ(wheel.size(), expected.size());
  }
}

}  // namespace
}  // namespace millrace::rules
