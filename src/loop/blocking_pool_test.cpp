// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/blocking_pool.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "millrace/loop/main_loop.hpp"

namespace millrace {
namespace {

class BlockingPoolTest : public ::testing::Test {
 protected:
  Task<> run_one() {
    const auto job_thread = co_await pool_.run([] { return std::this_thread::get_id(); });
    EXPECT_NE(job_thread, loop_thread_);
    EXPECT_EQ(std::this_thread::get_id(), loop_thread_);
    ++done_;
  }
  Task<> move_through() {
    auto owned = std::make_unique<std::string>("text");
    auto back = co_await pool_.run([mine = std::move(owned)]() mutable { return std::move(mine); });
    EXPECT_EQ(*back, "text");
    ++done_;
  }
  Task<> run_void(bool& ran) {
    co_await pool_.run([&ran] { ran = true; });
    ++done_;
  }
  Task<> run_throwing() {
    try {
      co_await pool_.run([]() -> int { throw std::runtime_error("no such thing"); });
    } catch (const std::runtime_error& error) {
      caught_ = error.what();
      caught_on_loop_ = std::this_thread::get_id() == loop_thread_;
    }
    ++done_;
  }
  Task<> run_held(std::latch& held) {
    const int answer = co_await pool_.run([&held] {
      held.wait();
      return 42;
    });
    answers_.push_back(answer);
    asked_to_stop_ = co_await stop_requested();
    ++done_;
  }
  bool wait_for(int done) {
    return loop_.run_until([this, done] { return done_ == done; });
  }

  const std::thread::id loop_thread_ = std::this_thread::get_id();
  SystemClock clock_;
  MainLoop loop_{clock_};
  BlockingPool pool_{2};
  TaskGroup tasks_{loop_.executor(), [](std::string_view, const std::exception_ptr& why) {
                     std::rethrow_exception(why);
                   }};
  int done_ = 0;
  std::string caught_;
  bool caught_on_loop_ = false;
  bool asked_to_stop_ = false;
  std::vector<int> answers_;
};

TEST_F(BlockingPoolTest, RunsTheJobElsewhereAndGoesOnOnTheLoopThread) {
  constexpr int kJobs = 200;
  for (int i = 0; i < kJobs; ++i) tasks_.spawn("job", run_one());

  EXPECT_TRUE(wait_for(kJobs));
}

TEST_F(BlockingPoolTest, KeepsTheLoopRunningUntilTheAnswerIsThere) {
  tasks_.spawn("job", run_one());

  loop_.run();

  EXPECT_EQ(done_, 1);
}

TEST_F(BlockingPoolTest, MovesJobsAndAnswers) {
  bool ran = false;
  tasks_.spawn("job", move_through());
  tasks_.spawn("job", run_void(ran));

  EXPECT_TRUE(wait_for(2));
  EXPECT_TRUE(ran);
}

TEST_F(BlockingPoolTest, ThrowsTheJobsExceptionWhereItIsAwaited) {
  tasks_.spawn("job", run_throwing());

  EXPECT_TRUE(wait_for(1));
  EXPECT_EQ(caught_, "no such thing");
  EXPECT_TRUE(caught_on_loop_);
}

TEST_F(BlockingPoolTest, AnswersATaskThatIsAskedToStopMeanwhile) {
  constexpr int kJobs = 5;  // more than threads: some have not begun
  std::latch held(1);
  for (int i = 0; i < kJobs; ++i) tasks_.spawn("job", run_held(held));
  loop_.run_ready();

  tasks_.request_stop();
  loop_.run_ready();
  EXPECT_EQ(done_, 0);
  held.count_down();

  EXPECT_TRUE(wait_for(kJobs));
  EXPECT_EQ(answers_, std::vector<int>(kJobs, 42));
  EXPECT_TRUE(asked_to_stop_);
}

}  // namespace
}  // namespace millrace
