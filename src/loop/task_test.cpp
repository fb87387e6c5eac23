// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/task.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "millrace/loop/channel.hpp"
#include "millrace/loop/main_loop.hpp"

namespace millrace {
namespace {

using namespace std::chrono_literals;

class TaskGroupTest : public ::testing::Test {
 protected:
  void note_failure(std::string_view task, const std::exception_ptr& why) {
    try {
      std::rethrow_exception(why);
    } catch (const std::exception& error) {
      notes_.push_back(fmt::format("{} failed: {}", task, error.what()));
    }
  }

  Task<> note(std::string text) {
    notes_.push_back(std::move(text));
    co_return;
  }
  Task<> fail_with(std::string text) {
    co_await loop_.yield();
    throw std::runtime_error(text);
  }
  Task<> wait_for_stop(std::string name) {
    const auto waited = co_await forever_.wait();
    notes_.push_back(
        fmt::format("{} {}", name, waited ? "woken" : to_string(waited.error().code())));
  }
  // Goes on after it was asked to stop, as one that has something to finish.
  Task<> stop_slowly() {
    const auto waited = co_await forever_.wait();
    for (int i = 0; i < 3; ++i) co_await loop_.yield();
    notes_.emplace_back(waited ? "woken" : "finished");
  }
  Task<> join(TaskGroup& group, std::string text) {
    co_await group.join();
    notes_.push_back(std::move(text));
  }
  Task<> join_then_wait(TaskGroup& group) {
    co_await group.join();
    const bool asked = co_await stop_requested();
    const auto waited = co_await forever_.wait();
    notes_.push_back(
        fmt::format("{}, {}", asked ? "asked to stop" : "not asked", waited ? "woken" : "stopped"));
  }
  TaskGroup::OnFailure on_failure() {
    return
        [this](std::string_view task, const std::exception_ptr& why) { note_failure(task, why); };
  }

  using Notes = std::vector<std::string>;
  ManualClock clock_;
  MainLoop loop_{clock_};
  Waiters forever_;
  Notes notes_;
  TaskGroup tasks_{loop_.executor(), on_failure()};
};

TEST_F(TaskGroupTest, StartsATaskSoonButNotAtOnce) {
  tasks_.spawn("task", note("ran"));
  EXPECT_TRUE(notes_.empty());
  EXPECT_EQ(tasks_.size(), 1u);

  loop_.run_ready();

  EXPECT_EQ(notes_, Notes{"ran"});
  EXPECT_EQ(tasks_.size(), 0u);
}

TEST_F(TaskGroupTest, StartsATaskSoonAlsoOnTheLoopThread) {
  loop_.call_soon([this] {
    tasks_.spawn("task", note("ran"));
    notes_.emplace_back("spawned");
  });

  loop_.run_ready();

  EXPECT_EQ(notes_, (Notes{"spawned", "ran"}));
}

TEST_F(TaskGroupTest, TellsWhenATaskHasEnded) {
  tasks_.spawn("task", note("ran"),
               [this] { notes_.push_back(fmt::format("ended, {} left", tasks_.size())); });

  loop_.run_ready();

  EXPECT_EQ(notes_, (Notes{"ran", "ended, 0 left"}));
}

TEST_F(TaskGroupTest, ReportsAnExceptionWithTheNameOfTheTask) {
  tasks_.spawn("reader", fail_with("disk on fire"), [this] { notes_.emplace_back("ended"); });
  tasks_.spawn("other", note("other ran"));

  loop_.run_ready();

  EXPECT_EQ(notes_, (Notes{"other ran", "reader failed: disk on fire", "ended"}));
}

TEST_F(TaskGroupTest, StopsEveryTaskWithoutCallingItAFailure) {
  tasks_.spawn("a", wait_for_stop("a"));
  tasks_.spawn("b", wait_for_stop("b"));
  loop_.run_ready();

  tasks_.request_stop();
  loop_.run_ready();

  EXPECT_EQ(notes_, (Notes{"a cancelled", "b cancelled"}));
  EXPECT_EQ(tasks_.size(), 0u);
  EXPECT_TRUE(forever_.empty());
}

TEST_F(TaskGroupTest, NeverBeginsATaskThatWasStoppedBeforeItsStart) {
  tasks_.spawn("task", note("ran"), [this] { notes_.emplace_back("ended"); });

  tasks_.request_stop();
  loop_.run_ready();

  EXPECT_EQ(notes_, Notes{"ended"});
  EXPECT_EQ(tasks_.size(), 0u);
}

TEST_F(TaskGroupTest, NeverBeginsATaskThatWasStoppedOnTheLoopThreadBeforeItsStart) {
  loop_.call_soon([this] {
    tasks_.spawn("task", note("ran"), [this] { notes_.emplace_back("ended"); });
    tasks_.request_stop();
  });

  loop_.run_ready();

  EXPECT_EQ(notes_, Notes{"ended"});
  EXPECT_EQ(tasks_.size(), 0u);
}

// The signal was once dispatched and found the task gone.
TEST_F(TaskGroupTest, AStopThatComesWithTheEndOfATaskHarmsNobody) {
  tasks_.spawn("task", wait_for_stop("task"));
  loop_.run_ready();

  forever_.notify_all();
  tasks_.request_stop();
  loop_.run_ready();

  EXPECT_EQ(notes_, Notes{"task woken"});
}

TEST_F(TaskGroupTest, DropsWhatIsSpawnedAfterTheStop) {
  tasks_.request_stop();

  tasks_.spawn("late", note("ran"), [this] { notes_.emplace_back("ended"); });
  loop_.run_ready();

  EXPECT_TRUE(tasks_.stopping());
  EXPECT_EQ(tasks_.size(), 0u);
  EXPECT_TRUE(notes_.empty());
}

TEST_F(TaskGroupTest, AllowsASpawnFromTheEndOfATask) {
  tasks_.spawn("first", note("first"), [this] { tasks_.spawn("second", note("second")); });

  loop_.run_ready();

  EXPECT_EQ(notes_, (Notes{"first", "second"}));
}

TEST_F(TaskGroupTest, JoinsAnEmptyGroupAtOnce) {
  loop_.run_until_done(join(tasks_, "joined"));

  EXPECT_EQ(notes_, Notes{"joined"});
}

TEST_F(TaskGroupTest, JoinWaitsForTasksThatStopSlowly) {
  tasks_.spawn("slow", stop_slowly());
  loop_.run_ready();

  tasks_.request_stop();
  loop_.run_until_done(join(tasks_, "joined"));

  EXPECT_EQ(notes_, (Notes{"finished", "joined"}));
}

TEST_F(TaskGroupTest, WakesEveryoneWhoJoins) {
  TaskGroup joiners(loop_.executor(), on_failure());
  tasks_.spawn("task", wait_for_stop("task"));
  joiners.spawn("a", join(tasks_, "a joined"));
  joiners.spawn("b", join(tasks_, "b joined"));
  loop_.run_ready();
  EXPECT_TRUE(notes_.empty());

  forever_.notify_all();
  loop_.run_ready();

  EXPECT_EQ(notes_, (Notes{"task woken", "a joined", "b joined"}));
}

TEST_F(TaskGroupTest, JoinIsNotCancelled) {
  TaskGroup joiners(loop_.executor(), on_failure());
  tasks_.spawn("task", wait_for_stop("task"));
  joiners.spawn("joiner", join(tasks_, "joined"));
  loop_.run_ready();

  joiners.request_stop();
  loop_.run_ready();
  EXPECT_TRUE(notes_.empty());

  tasks_.request_stop();
  loop_.run_ready();
  EXPECT_EQ(notes_, (Notes{"task cancelled", "joined"}));
}

TEST_F(TaskGroupTest, ATaskThatHasJoinedCanStillBeStopped) {
  TaskGroup joiners(loop_.executor(), on_failure());
  tasks_.spawn("task", note("ran"));
  joiners.spawn("joiner", join_then_wait(tasks_));
  loop_.run_ready();

  joiners.request_stop();
  loop_.run_ready();
  EXPECT_EQ(notes_, (Notes{"ran", "not asked, stopped"}));
  forever_.notify_all();
  loop_.run_ready();
}

TEST_F(TaskGroupTest, AStopDuringAJoinIsSeenAfterIt) {
  TaskGroup joiners(loop_.executor(), on_failure());
  tasks_.spawn("task", wait_for_stop("task"));
  joiners.spawn("joiner", join_then_wait(tasks_));
  loop_.run_ready();

  joiners.request_stop();
  tasks_.request_stop();
  loop_.run_ready();

  EXPECT_EQ(notes_, (Notes{"task cancelled", "asked to stop, stopped"}));
  forever_.notify_all();
  loop_.run_ready();
}

using TaskGroupDeathTest = TaskGroupTest;

TEST_F(TaskGroupDeathTest, AbortsWhenATaskWouldOutliveItsOwner) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        TaskGroup forgotten(loop_.executor(), {});
        forgotten.spawn("task", wait_for_stop("task"));
      },
      "");
}

}  // namespace
}  // namespace millrace
