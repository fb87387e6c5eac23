// SPDX-License-Identifier: Apache-2.0
#include "watch_tree.hpp"

#include <gtest/gtest.h>
#include <sys/inotify.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "millrace/plugin/testing/temporary_folder.hpp"

namespace millrace::watchdog {
namespace {

namespace fs = std::filesystem;

// Follows what it is told, and knows nothing else.
class Follower {
 public:
  explicit Follower(const std::string& root)
      : inotify_(std::move(*Inotify::create(loop_))),
        tree_(*inotify_, root, WatchTree::Depth::whole_tree) {
    for (const auto& entry : fs::recursive_directory_iterator(root))
      known_.insert(entry.path().string());
    follow();
  }
  ~Follower() {
    tasks_.request_stop();
    if (!loop_.run_until([this] { return tasks_.size() == 0; })) std::abort();
  }

  // `lost`: the system gives the word of an overflow instead of what happened.
  enum class Fate { told, lost };
  void catch_up(Fate fate = Fate::told) {
    tasks_.spawn("read", read());
    loop_.run_ready();
    loop_.advance(RenamePairing::kPatience);
    if (!loop_.run_until([this] { return tasks_.size() == 0; })) std::abort();
    if (fate == Fate::lost) {
      events_.clear();
      events_.push_back({.mask = IN_Q_OVERFLOW, .name = {}});
    }
    renames_.add(std::exchange(events_, {}), clock_.now());
    tree_.add(renames_.take(clock_.now() + RenamePairing::kPatience));
    follow();
  }
  const std::set<std::string>& known() const { return known_; }
  std::size_t watches() const { return tree_.watches(); }

 private:
  Task<> read() {
    auto events = co_await inotify_->read(clock_.now() + RenamePairing::kPatience);
    if (events) events_ = std::move(*events);
  }
  void follow() {
    while (!tree_.idle()) {
      const auto progress = tree_.advance();
      ASSERT_TRUE(progress) << progress.error().message();
      for (const auto& change : progress->changes) {
        if (change.what == What::created) known_.insert(change.path);
        if (change.what == What::deleted) forget(change.path);
        if (change.what != What::moved) continue;
        forget_one(change);
        known_.insert(change.target);
      }
    }
  }
  // A directory that is moved out takes with it what it holds, without further words.
  void forget(const std::string& path) {
    std::erase_if(known_, [&](const std::string& known) {
      return known == path || known.starts_with(path + "/");
    });
  }
  void forget_one(const FileChange& change) { known_.erase(change.path); }

  ManualClock clock_;
  MainLoop loop_{clock_};
  TaskGroup tasks_{loop_.executor(), {}};
  std::unique_ptr<Inotify> inotify_;
  WatchTree tree_;
  RenamePairing renames_;
  std::vector<InotifyEvent> events_;
  std::set<std::string> known_;
};

class RandomDeeds {
 public:
  RandomDeeds(std::string root, std::string outside, unsigned seed)
      : root_(std::move(root)), outside_(std::move(outside)), random_(seed) {}

  void one() {
    std::error_code ignored;
    switch (random_() % 8) {
      case 0:
      case 1:
        fs::create_directories(some_path() + "/" + name(), ignored);
        break;
      case 2:
      case 3:
        std::ofstream(some_path()) << "text";
        break;
      case 4:
        fs::remove_all(some_path(), ignored);
        break;
      case 5:
      case 6:
        fs::rename(some_path(), some_path(), ignored);
        break;
      default:
        if (random_() % 2 == 0) {
          fs::rename(some_path(), outside_ + "/" + name(), ignored);
        } else {
          fs::rename(outside_ + "/" + name(), some_path(), ignored);
        }
    }
  }
  std::set<std::string> paths() const {
    std::set<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(root_))
      all.insert(entry.path().string());
    return all;
  }
  std::size_t directories() const {
    std::size_t count = 1;
    for (const auto& entry : fs::recursive_directory_iterator(root_))
      if (entry.is_directory()) ++count;
    return count;
  }
  bool chance(unsigned one_in) { return random_() % one_in == 0; }

 private:
  std::string name() { return std::string(1, static_cast<char>('a' + random_() % 4)); }
  std::string some_path() {
    std::string path = root_;
    for (auto depth = 1 + random_() % 3; depth > 0; --depth) path += "/" + name();
    return path;
  }

  const std::string root_;
  const std::string outside_;
  std::mt19937 random_;
};

TEST(WatchTree, TellsEnoughToKnowWhatIsThereWhateverHappens) {
  for (unsigned seed = 0; seed < 25; ++seed) {
    const testing::TemporaryFolder folder;
    fs::create_directories(folder.path("r/a/b"));
    fs::create_directory(folder.path("out"));
    Follower follower(folder.path("r"));
    RandomDeeds deeds(folder.path("r"), folder.path("out"), seed);
    for (int round = 0; round < 30; ++round) {
      do deeds.one();
      while (!deeds.chance(4));
      follower.catch_up(deeds.chance(5) ? Follower::Fate::lost : Follower::Fate::told);
      ASSERT_EQ(follower.known(), deeds.paths()) << "seed " << seed << ", round " << round;
      ASSERT_EQ(follower.watches(), deeds.directories()) << "seed " << seed;
    }
  }
}

TEST(WatchTree, JoinsAndCutsPathsAsPythonDoes) {
  EXPECT_EQ(join_path("r", "f"), "r/f");
  EXPECT_EQ(join_path("r/", "f"), "r/f");
  EXPECT_EQ(join_path("/", "f"), "/f");
  EXPECT_EQ(parent_path("r/f"), "r");
  EXPECT_EQ(parent_path("r//f"), "r");
  EXPECT_EQ(parent_path("./f"), ".");
  EXPECT_EQ(parent_path("/f"), "/");
  EXPECT_EQ(parent_path("f"), "");
}

}  // namespace
}  // namespace millrace::watchdog
