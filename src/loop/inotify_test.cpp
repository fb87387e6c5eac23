// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/inotify.hpp"

#include <gtest/gtest.h>
#include <sys/inotify.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace millrace {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class InotifyTest : public ::testing::Test {
 protected:
  InotifyTest() {
    std::string name = (fs::temp_directory_path() / "millrace-inotify-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~InotifyTest() override {
    tasks_.request_stop();
    EXPECT_TRUE(loop_.run_until([this] { return tasks_.size() == 0; }));
    fs::remove_all(folder_);
  }

  Task<> read(std::optional<Instant> deadline) { got_ = co_await inotify_->read(deadline); }
  void start_reading(std::optional<Instant> deadline = std::nullopt) {
    tasks_.spawn("read", read(deadline));
    loop_.run_ready();
  }

  std::string folder_;
  ManualClock clock_;
  MainLoop loop_{clock_};
  TaskGroup tasks_{loop_.executor(), {}};
  std::unique_ptr<Inotify> inotify_ = std::move(*Inotify::create(loop_));
  std::optional<Result<std::vector<InotifyEvent>>> got_;
};

TEST_F(InotifyTest, TellsWhatHappensToNamesInOrder) {
  const auto watch = inotify_->add(folder_, IN_CREATE | IN_MOVE);
  ASSERT_TRUE(watch);
  std::ofstream(folder_ + "/a") << "text";
  fs::rename(folder_ + "/a", folder_ + "/b");

  start_reading();

  ASSERT_TRUE(loop_.run_until([this] { return got_.has_value(); }));
  ASSERT_TRUE(*got_);
  const auto& events = **got_;
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].watch, *watch);
  EXPECT_EQ(events[0].mask, IN_CREATE);
  EXPECT_EQ(events[0].name, "a");
  EXPECT_EQ(events[1].mask, IN_MOVED_FROM);
  EXPECT_EQ(events[2].mask, IN_MOVED_TO);
  EXPECT_EQ(events[2].name, "b");
  EXPECT_EQ(events[1].cookie, events[2].cookie);
}

TEST_F(InotifyTest, AnswersNothingAtTheDeadline) {
  start_reading(clock_.now() + 500ms);
  loop_.advance(499ms);
  EXPECT_FALSE(got_);

  loop_.advance(1ms);

  ASSERT_TRUE(got_);
  ASSERT_TRUE(*got_);
  EXPECT_TRUE((*got_)->empty());
}

TEST_F(InotifyTest, ReportsAStopAlsoWithADeadline) {
  start_reading(clock_.now() + 500ms);

  tasks_.request_stop();
  loop_.run_ready();

  ASSERT_TRUE(got_);
  EXPECT_EQ(got_->error().code(), Errc::cancelled);
}

TEST_F(InotifyTest, TellsNothingMoreOfARemovedWatch) {
  const auto watch = inotify_->add(folder_, IN_CREATE);
  ASSERT_TRUE(watch);
  inotify_->remove(*watch);
  inotify_->remove(*watch);
  std::ofstream(folder_ + "/a") << "text";

  start_reading();

  ASSERT_TRUE(loop_.run_until([this] { return got_.has_value(); }));
  ASSERT_EQ((*got_)->size(), 1U);
  EXPECT_EQ((*got_)->front().mask, IN_IGNORED);
}

TEST_F(InotifyTest, SaysWhatIsMissing) {
  const auto watch = inotify_->add(folder_ + "/none", IN_CREATE);

  ASSERT_FALSE(watch);
  EXPECT_EQ(watch.error().code(), Errc::not_found);
  EXPECT_NE(watch.error().message().find(folder_ + "/none"), std::string::npos);
}

}  // namespace
}  // namespace millrace
