// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/main_loop.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

namespace millrace {
namespace {

using namespace std::chrono_literals;

TEST(MainLoop, RunsCallbacksInTheOrderInWhichTheyWereGiven) {
  const SystemClock clock;
  MainLoop loop(clock);
  std::string order;
  loop.call_soon([&] {
    order += 'a';
    loop.call_soon([&] { order += 'd'; });
  });
  loop.call_soon([&] { order += 'b'; });
  loop.call_soon_threadsafe([&] { order += 'c'; });

  loop.run();

  EXPECT_EQ(order, "abcd");
}

TEST(MainLoop, TakesCallbacksFromOtherThreads) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 500;
  const SystemClock clock;
  MainLoop loop(clock);
  const auto loop_thread = std::this_thread::get_id();
  int calls = 0;  // touched by the loop thread alone
  int elsewhere = 0;
  std::vector<std::jthread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int call = 0; call < kCalls; ++call) {
        loop.call_soon_threadsafe([&] {
          ++calls;
          if (std::this_thread::get_id() != loop_thread) ++elsewhere;
        });
      }
    });
  }

  EXPECT_TRUE(loop.run_until([&] { return calls == kThreads * kCalls; }));
  EXPECT_EQ(elsewhere, 0);
}

TEST(MainLoop, KeepsTheOrderOfOneOtherThread) {
  const SystemClock clock;
  MainLoop loop(clock);
  std::vector<int> order;
  const std::jthread thread([&] {
    for (int i = 0; i < 100; ++i) loop.call_soon_threadsafe([&, i] { order.push_back(i); });
  });

  ASSERT_TRUE(loop.run_until([&] { return order.size() == 100; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(MainLoop, StopsFromAnotherThread) {
  const SystemClock clock;
  MainLoop loop(clock);
  loop.call_later(1h, [] {});
  const std::jthread thread([&] { loop.stop(); });

  loop.run();
}

TEST(MainLoop, HeedsAStopThatCameBeforeItRan) {
  const SystemClock clock;
  MainLoop loop(clock);
  bool ran = false;
  loop.call_later(1h, [] {});
  loop.call_soon([&] { ran = true; });

  loop.stop();
  loop.run();

  EXPECT_TRUE(ran);
}

TEST(MainLoop, RunsAgainAfterAStop) {
  const SystemClock clock;
  MainLoop loop(clock);
  int runs = 0;
  for (int i = 0; i < 2; ++i) {
    loop.call_later(1h, [] {});
    loop.call_soon([&] {
      ++runs;
      loop.stop();
    });
    loop.run();
  }
  EXPECT_EQ(runs, 2);
}

TEST(MainLoop, RunsTimersAtTheirTimeAndInOrder) {
  ManualClock clock;
  MainLoop loop(clock);
  std::string order;
  loop.call_later(3s, [&] { order += 'c'; });
  loop.call_later(1s, [&] { order += 'a'; });
  loop.call_later(2s, [&] { order += 'b'; });

  loop.advance(1s);
  EXPECT_EQ(order, "a");
  loop.advance(1999ms);
  EXPECT_EQ(order, "ab");
  loop.advance(1ms);
  EXPECT_EQ(order, "abc");
}

TEST(MainLoop, RunsTimersThatFallDueTogetherInTheOrderOfSetting) {
  ManualClock clock;
  MainLoop loop(clock);
  std::string order;
  for (const char name : {'a', 'b', 'c', 'd'}) loop.call_later(1s, [&, name] { order += name; });

  loop.advance(1h);

  EXPECT_EQ(order, "abcd");
}

TEST(MainLoop, ShowsEachTimerItsOwnMoment) {
  ManualClock clock;
  MainLoop loop(clock);
  const auto start = clock.now();
  std::vector<Duration> moments;
  const auto note = [&] { moments.push_back(clock.now() - start); };
  loop.call_later(1s, [&] {
    note();
    loop.call_later(1s, note);
    loop.call_soon(note);
  });
  loop.call_later(5s, note);

  loop.advance(10s);

  EXPECT_EQ(moments, (std::vector<Duration>{1s, 1s, 2s, 5s}));
  EXPECT_EQ(clock.now() - start, 10s);
}

TEST(MainLoop, DoesNotRunACancelledTimer) {
  ManualClock clock;
  MainLoop loop(clock);
  std::string order;
  const auto first = loop.call_later(1s, [&] { order += 'a'; });
  MainLoop::TimerId second;
  loop.call_later(1s, [&] {
    order += 'b';
    loop.cancel(second);
  });
  second = loop.call_later(1s, [&] { order += 'c'; });

  loop.cancel(first);
  loop.advance(1s);
  loop.cancel(first);  // long gone

  EXPECT_EQ(order, "b");
}

TEST(MainLoop, TakesADelayBeyondAllTimeForNever) {
  ManualClock clock;
  MainLoop loop(clock);
  clock.advance(1h);
  bool ran = false;
  loop.call_later(Duration::max(), [&] { ran = true; });

  loop.advance(24h * 365);

  EXPECT_FALSE(ran);
}

TEST(MainLoop, TakesANegativeDelayForNone) {
  ManualClock clock;
  MainLoop loop(clock);
  bool ran = false;
  loop.call_later(-1s, [&] { ran = true; });

  loop.advance(0s);

  EXPECT_TRUE(ran);
}

TEST(MainLoop, WaitsForRealWithTheSystemClock) {
  const SystemClock clock;
  MainLoop loop(clock);
  const auto start = clock.now();
  std::string order;
  loop.call_later(20ms, [&] { order += 'b'; });
  loop.call_later(5ms, [&] {
    order += 'a';
    loop.call_later(20ms, [&] { order += 'c'; });
  });

  loop.run();

  EXPECT_EQ(order, "abc");
  EXPECT_GE(clock.now() - start, 25ms);
}

TEST(MainLoop, IsDoneWhenTheLastTimerWasCancelled) {
  const SystemClock clock;
  MainLoop loop(clock);
  const auto timer = loop.call_later(1h, [] {});
  loop.call_soon([&] { loop.cancel(timer); });
  bool ran = false;
  loop.call_soon([&] { loop.call_later(1ms, [&] { ran = true; }); });

  loop.run();

  EXPECT_TRUE(ran);
}

TEST(MainLoop, CallsBackForEachArrivalOfASignal) {
  const SystemClock clock;
  MainLoop loop(clock);
  int arrivals = 0;
  loop.on_signal(SIGUSR1, [&] { ++arrivals; });

  for (int i = 1; i <= 3; ++i) {
    ::raise(SIGUSR1);
    EXPECT_TRUE(loop.run_until([&] { return arrivals == i; }));
  }
}

TEST(MainLoop, SurvivesAWriteThatNobodyReads) {
  const SystemClock clock;
  const MainLoop loop(clock);
  ::raise(SIGPIPE);
}

Task<> sleep_and_note(MainLoop& loop, Duration delay, std::vector<std::string>& notes) {
  const auto slept = co_await loop.sleep_for(delay);
  notes.emplace_back(slept ? "slept" : to_string(slept.error().code()));
}

TEST(MainLoop, LetsTasksSleep) {
  ManualClock clock;
  MainLoop loop(clock);
  TaskGroup tasks(loop.executor(), {});
  std::vector<std::string> notes;
  tasks.spawn("sleeper", sleep_and_note(loop, 1min, notes));

  loop.advance(59s);
  EXPECT_TRUE(notes.empty());
  loop.advance(1s);
  EXPECT_EQ(notes, std::vector<std::string>{"slept"});
  EXPECT_EQ(tasks.size(), 0u);
}

TEST(MainLoop, WakesASleepingTaskThatIsAskedToStop) {
  ManualClock clock;
  MainLoop loop(clock);
  TaskGroup tasks(loop.executor(), {});
  std::vector<std::string> notes;
  tasks.spawn("sleeper", sleep_and_note(loop, 1min, notes));
  loop.run_ready();

  tasks.request_stop();
  loop.run_ready();

  EXPECT_EQ(notes, std::vector<std::string>{"cancelled"});
  loop.advance(1h);  // the timer is gone with the sleeper
}

Task<> note_around_yield(MainLoop& loop, std::string& order) {
  loop.call_soon([&order] { order += 'b'; });
  order += 'a';
  co_await loop.yield();
  order += 'c';
}

TEST(MainLoop, LetsOthersRunWhenATaskYields) {
  ManualClock clock;
  MainLoop loop(clock);
  TaskGroup tasks(loop.executor(), {});
  std::string order;
  tasks.spawn("yielding", note_around_yield(loop, order));
  loop.run_ready();

  EXPECT_EQ(order, "abc");
}

}  // namespace
}  // namespace millrace
