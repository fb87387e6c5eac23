// SPDX-License-Identifier: Apache-2.0
#include "locks.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "millrace/loop/main_loop.hpp"

namespace millrace::pipeline {
namespace {

class LocksTest : public ::testing::Test {
 protected:
  ~LocksTest() override {
    tasks_.request_stop();
    loop_.run_ready();
  }

  Task<> work(std::string lock, int number) {
    const auto held = co_await locks_.hold(std::move(lock));
    if (!held) {
      refused_.push_back(number);
      co_return;
    }
    begun_.push_back(number);
    static_cast<void>(co_await finish_.wait());
  }
  void start(const std::string& lock, int number) {
    tasks_.spawn("work", work(lock, number));
    loop_.run_ready();
  }
  void finish_one() {
    finish_.notify_one();
    loop_.run_ready();
  }

  ManualClock clock_;
  MainLoop loop_{clock_};
  Locks locks_;
  Waiters finish_;
  std::vector<int> begun_;
  std::vector<int> refused_;
  TaskGroup tasks_{loop_.executor(), {}};
};

TEST_F(LocksTest, GoToWhoeverWaitsLongest) {
  start("a", 1);
  start("a", 2);
  start("b", 3);
  start("a", 4);
  EXPECT_EQ(begun_, (std::vector<int>{1, 3}));
  finish_one();
  EXPECT_EQ(begun_, (std::vector<int>{1, 3, 2}));
  finish_one();
  finish_one();
  EXPECT_EQ(begun_, (std::vector<int>{1, 3, 2, 4}));
  finish_one();
  start("a", 5);
  EXPECT_EQ(begun_.back(), 5);
}

TEST_F(LocksTest, AreGivenBackByWhoeverIsStopped) {
  start("a", 1);
  start("a", 2);
  start("a", 3);
  tasks_.request_stop();
  loop_.run_ready();
  EXPECT_EQ(tasks_.size(), 0u);
  EXPECT_EQ(begun_.front(), 1);
}

}  // namespace
}  // namespace millrace::pipeline
