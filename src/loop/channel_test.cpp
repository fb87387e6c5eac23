// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/channel.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "millrace/loop/main_loop.hpp"

namespace millrace {
namespace {

using Notes = std::vector<std::string>;

class ChannelTest : public ::testing::Test {
 protected:
  Task<> push(std::string item, std::size_t weight = 1) {
    const std::string name = item;
    const auto pushed = co_await channel_.push(std::move(item), weight);
    notes_.push_back(fmt::format("{} {}", name, pushed ? "in" : to_string(pushed.error().code())));
  }
  Task<> pop(std::string who) {
    auto popped = co_await channel_.pop();
    if (!popped) {
      notes_.push_back(fmt::format("{} {}", who, to_string(popped.error().code())));
    } else {
      notes_.push_back(fmt::format("{} got {}", who, popped->value_or("the end")));
    }
  }
  static Task<> stop(TaskGroup& group) {
    group.request_stop();
    co_return;
  }
  void start_push(std::string item, std::size_t weight = 1) {
    tasks_.spawn("push", push(std::move(item), weight));
    loop_.run_ready();
  }
  void start_pop(std::string who) {
    tasks_.spawn("pop", pop(std::move(who)));
    loop_.run_ready();
  }
  std::string take() {
    auto item = channel_.try_pop().value_or("nothing");
    loop_.run_ready();
    return item;
  }
  Notes notes() { return std::exchange(notes_, {}); }

  ManualClock clock_;
  MainLoop loop_{clock_};
  Channel<std::string> channel_{4};
  Notes notes_;
  TaskGroup tasks_{loop_.executor(), {}};
};

Task<> wait_for(Waiters& waiters, Notes& notes) {
  co_await waiters.wait_to_the_end();
  notes.emplace_back(co_await stop_requested() ? "notified, asked to stop" : "notified");
}

TEST_F(ChannelTest, AWaitToTheEndIsNotCutShort) {
  Waiters waiters;
  Notes notes;
  tasks_.spawn("early", wait_for(waiters, notes));
  loop_.run_ready();
  tasks_.request_stop();
  loop_.run_ready();
  EXPECT_EQ(notes, Notes());
  waiters.notify_one();
  loop_.run_ready();
  EXPECT_EQ(notes, Notes{"notified, asked to stop"});
  EXPECT_TRUE(waiters.empty());
}

TEST_F(ChannelTest, GivesItemsInTheOrderOfPushing) {
  start_push("a");
  start_push("b");
  EXPECT_EQ(channel_.size(), 2u);
  EXPECT_EQ(channel_.weight(), 2u);

  EXPECT_EQ(take(), "a");
  EXPECT_EQ(take(), "b");
  EXPECT_EQ(take(), "nothing");
  EXPECT_EQ(channel_.weight(), 0u);
}

TEST_F(ChannelTest, PopWaitsForAnItem) {
  start_pop("reader");
  EXPECT_TRUE(notes_.empty());

  start_push("a");

  EXPECT_EQ(notes(), (Notes{"a in", "reader got a"}));
}

TEST_F(ChannelTest, PushWaitsWhileTheWeightIsAtItsBound) {
  start_push("a", 3);
  start_push("b", 2);
  EXPECT_EQ(notes(), Notes{"a in"});
  EXPECT_EQ(channel_.weight(), 3u);

  EXPECT_EQ(take(), "a");

  EXPECT_EQ(notes(), Notes{"b in"});
  EXPECT_EQ(channel_.weight(), 2u);
}

TEST_F(ChannelTest, TakesAnItemHeavierThanTheBoundWhenEmpty) {
  start_push("huge", 100);
  start_push("b");
  EXPECT_EQ(notes(), Notes{"huge in"});

  EXPECT_EQ(take(), "huge");

  EXPECT_EQ(notes(), Notes{"b in"});
}

TEST_F(ChannelTest, NobodyPushesPastAHeavyItemThatWaits) {
  start_push("a", 2);
  start_push("heavy", 4);
  start_push("light", 1);
  EXPECT_EQ(notes(), Notes{"a in"});

  EXPECT_EQ(take(), "a");
  EXPECT_EQ(notes(), Notes{"heavy in"});
  EXPECT_EQ(take(), "heavy");
  EXPECT_EQ(notes(), Notes{"light in"});
}

TEST_F(ChannelTest, ServesWaitingPushesInTurn) {
  start_push("full", 4);
  for (const char* name : {"a", "b", "c", "d", "e"}) start_push(name, 2);
  EXPECT_EQ(notes(), Notes{"full in"});

  EXPECT_EQ(take(), "full");
  EXPECT_EQ(notes(), (Notes{"a in", "b in"}));
  EXPECT_EQ(take(), "a");
  EXPECT_EQ(notes(), Notes{"c in"});
  EXPECT_EQ(take() + take(), "bc");
  EXPECT_EQ(notes(), (Notes{"d in", "e in"}));
  EXPECT_EQ(take() + take(), "de");
}

TEST_F(ChannelTest, APushThatComesBetweenDoesNotOvertake) {
  start_push("full", 4);
  start_push("waiting", 4);
  notes();

  EXPECT_EQ(channel_.try_pop(), "full");  // "waiting" is woken, but has not run yet
  tasks_.spawn("push", push("late", 4));
  loop_.run_ready();

  EXPECT_EQ(notes(), Notes{"waiting in"});
  EXPECT_EQ(take(), "waiting");
  EXPECT_EQ(take(), "late");
}

TEST_F(ChannelTest, ServesWaitingPopsInTurn) {
  for (const char* name : {"x", "y", "z"}) start_pop(name);
  for (const char* name : {"a", "b", "c"}) start_push(name);

  EXPECT_EQ(notes(), (Notes{"a in", "x got a", "b in", "y got b", "c in", "z got c"}));
}

TEST_F(ChannelTest, AClosedChannelGivesWhatIsInsideAndThenTheEnd) {
  start_push("a");
  channel_.close();
  start_push("b");
  start_pop("reader");
  start_pop("reader");

  EXPECT_EQ(notes(), (Notes{"a in", "b unavailable", "reader got a", "reader got the end"}));
  EXPECT_TRUE(channel_.closed());
}

TEST_F(ChannelTest, ClosingWakesWhoeverWaits) {
  start_pop("x");
  start_pop("y");
  channel_.close();
  loop_.run_ready();
  EXPECT_EQ(notes(), (Notes{"x got the end", "y got the end"}));
}

TEST_F(ChannelTest, ClosingRefusesWaitingPushes) {
  start_push("full", 4);
  start_push("a");
  start_push("b");
  channel_.close();
  loop_.run_ready();
  EXPECT_EQ(notes(), (Notes{"full in", "a unavailable", "b unavailable"}));
  EXPECT_EQ(take(), "full");
}

TEST_F(ChannelTest, ClearingMakesRoom) {
  start_push("a", 2);
  start_push("b", 2);
  start_push("c", 4);
  channel_.clear();
  loop_.run_ready();

  EXPECT_EQ(notes(), (Notes{"a in", "b in", "c in"}));
  EXPECT_EQ(channel_.size(), 1u);
  EXPECT_EQ(channel_.weight(), 4u);
  EXPECT_EQ(take(), "c");
}

TEST_F(ChannelTest, ACancelledPopLosesNothing) {
  TaskGroup other(loop_.executor(), {});
  other.spawn("pop", pop("x"));
  loop_.run_ready();
  start_pop("y");

  other.request_stop();
  loop_.run_ready();
  start_push("a");

  EXPECT_EQ(notes(), (Notes{"x cancelled", "a in", "y got a"}));
}

// The item that woke the pop must not vanish between its notification and its stop.
TEST_F(ChannelTest, APopThatIsStoppedAfterItWasWokenTakesItsItem) {
  TaskGroup other(loop_.executor(), {});
  other.spawn("pop", pop("x"));
  loop_.run_ready();

  tasks_.spawn("push", push("a"));
  tasks_.spawn("stop", stop(other));
  loop_.run_ready();

  EXPECT_EQ(notes(), (Notes{"a in", "x got a"}));
}

TEST_F(ChannelTest, ACancelledPushLeavesItsTurnToTheNext) {
  TaskGroup other(loop_.executor(), {});
  start_push("a", 3);
  other.spawn("push", push("heavy", 4));
  loop_.run_ready();
  start_push("light", 1);
  EXPECT_EQ(notes(), Notes{"a in"});

  other.request_stop();
  loop_.run_ready();

  EXPECT_EQ(notes(), (Notes{"heavy cancelled", "light in"}));
  EXPECT_EQ(channel_.weight(), 4u);
}

TEST_F(ChannelTest, APushThatIsStoppedAfterItWasWokenIsIn) {
  TaskGroup other(loop_.executor(), {});
  start_push("full", 4);
  other.spawn("push", push("a", 4));
  loop_.run_ready();
  start_push("b", 4);

  EXPECT_EQ(channel_.try_pop(), "full");
  other.request_stop();
  loop_.run_ready();

  EXPECT_EQ(notes(), (Notes{"full in", "a in"}));
  EXPECT_EQ(take(), "a");
  EXPECT_EQ(notes(), Notes{"b in"});
}

using Pointers = Channel<std::unique_ptr<int>>;

Task<> push_pointer(Pointers& to) { EXPECT_TRUE(co_await to.push(std::make_unique<int>(7))); }

TEST(Channel, CarriesWhatCannotBeCopied) {
  ManualClock clock;
  MainLoop loop(clock);
  TaskGroup tasks(loop.executor(), {});
  Pointers channel(1);
  tasks.spawn("push", push_pointer(channel));
  loop.run_ready();

  const auto item = channel.try_pop();
  ASSERT_TRUE(item);
  EXPECT_EQ(**item, 7);
}

class WaitersTest : public ::testing::Test {
 protected:
  Task<> wait(std::string name) {
    const auto waited = co_await waiters_.wait();
    notes_.push_back(
        fmt::format("{} {}", name, waited ? "woken" : to_string(waited.error().code())));
  }
  Task<> wait_twice(std::string name) {
    co_await wait(name);
    co_await wait(name);
  }
  void start(TaskGroup& group, std::string name) {
    group.spawn("wait", wait(std::move(name)));
    loop_.run_ready();
  }

  ManualClock clock_;
  MainLoop loop_{clock_};
  Waiters waiters_;
  Notes notes_;
  TaskGroup tasks_{loop_.executor(), {}};
};

TEST_F(WaitersTest, WakesTheFirstWhoCame) {
  start(tasks_, "a");
  start(tasks_, "b");

  waiters_.notify_one();
  loop_.run_ready();
  EXPECT_EQ(notes_, Notes{"a woken"});
  EXPECT_FALSE(waiters_.empty());

  waiters_.notify_one();
  loop_.run_ready();
  EXPECT_EQ(notes_, (Notes{"a woken", "b woken"}));
  EXPECT_TRUE(waiters_.empty());
}

TEST_F(WaitersTest, WakesEverybodyWhoWaitsNow) {
  tasks_.spawn("twice", wait_twice("a"));
  loop_.run_ready();
  start(tasks_, "b");

  waiters_.notify_all();
  loop_.run_ready();
  EXPECT_EQ(notes_, (Notes{"a woken", "b woken"}));

  waiters_.notify_all();
  loop_.run_ready();
  EXPECT_EQ(notes_, (Notes{"a woken", "b woken", "a woken"}));
}

TEST_F(WaitersTest, TellsNobodyWhenNobodyWaits) {
  waiters_.notify_one();
  waiters_.notify_all();

  start(tasks_, "a");  // a notification is not kept for later
  EXPECT_TRUE(notes_.empty());
  waiters_.notify_all();
  loop_.run_ready();
}

TEST_F(WaitersTest, AStoppedTaskWaitsNoMore) {
  TaskGroup other(loop_.executor(), {});
  other.spawn("twice", wait_twice("a"));
  loop_.run_ready();
  start(tasks_, "b");

  other.request_stop();
  loop_.run_ready();
  EXPECT_EQ(notes_, (Notes{"a cancelled", "a cancelled"}));

  waiters_.notify_one();
  loop_.run_ready();
  EXPECT_EQ(notes_.back(), "b woken");
}

}  // namespace
}  // namespace millrace
