// SPDX-License-Identifier: Apache-2.0
// What is expected where an event's form is tested was told by Python's watchdog 2.2.1.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/plugin/testing/source_harness.hpp"
#include "millrace/plugin/testing/temporary_folder.hpp"

void millrace_describe_watchdog_source(millrace::PluginBuilder&);

namespace millrace::watchdog {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using testing::SourceHarness;

class Watchdog : public SourceHarness {
 public:
  explicit Watchdog(Object settings, std::string_view name = "watchdog")
      : SourceHarness(millrace_describe_watchdog_source, name, std::move(settings)) {
    if (source() == nullptr) return;
    EXPECT_TRUE(run_until([this] { return outcome() || !log_lines().empty(); }));
  }

  std::string text(std::size_t index, const char* key) const {
    return std::string(view(events()[index].at(key).as_string()));
  }
};

class WatchdogTest : public ::testing::Test {
 protected:
  WatchdogTest() {
    fs::create_directory(path("r"));
    fs::create_directory(path("out"));
    write("r/marker", "");
  }

  std::string path(const std::string& name) const { return folder_.path(name); }
  std::string write(const std::string& name, const std::string& content) const {
    return folder_.write(name, content);
  }
  void mkdirs(const std::string& name) const { fs::create_directories(path(name)); }
  void move(const std::string& from, const std::string& to) const {
    fs::rename(path(from), path(to));
  }
  void remove(const std::string& name) const { fs::remove_all(path(name)); }

  void watch(Object more = {{"recursive", true}}) {
    more["path"] = path("r");
    source_.emplace(std::move(more));
  }

  // What was told since the last call, a line each: "created r/f FileCreatedEvent". All of it has
  // come once the change of the marker has.
  std::string told() {
    ::chmod(path("r/marker").c_str(), ++mode_);
    const auto is_marker = [this](std::size_t index) {
      return source_->text(index, "src_path") == path("r/marker");
    };
    std::string all;
    const bool came = source_->run_until([&] {
      for (; next_ < source_->events().size(); ++next_) {
        if (is_marker(next_)) return true;
        all += source_->text(next_, "change") + ' ' + short_path(source_->text(next_, "src_path")) +
               ' ' + source_->text(next_, "type") + '\n';
      }
      return false;
    });
    EXPECT_TRUE(came) << all;
    ++next_;
    return all;
  }
  std::string short_path(const std::string& long_path) const {
    return long_path.substr(folder_.path().size() + 1);
  }

  const testing::TemporaryFolder folder_;
  std::optional<Watchdog> source_;
  std::size_t next_ = 0;
  mode_t mode_ = 0400;
};

TEST_F(WatchdogTest, SaysWhatAnEventSays) {
  watch();

  write("r/f", "text");
  told();

  const Value expected{{"change", "created"},
                       {"src_path", path("r/f")},
                       {"type", "FileCreatedEvent"},
                       {"root_path", path("r")}};
  EXPECT_EQ(source_->events().front(), expected);
}

TEST_F(WatchdogTest, TellsOfFiles) {
  watch();

  write("r/f", "text");
  EXPECT_EQ(told(),
            "created r/f FileCreatedEvent\nmodified r DirModifiedEvent\n"
            "modified r/f FileModifiedEvent\nmodified r DirModifiedEvent\n");
  write("r/f", "other");
  EXPECT_EQ(told(), "modified r/f FileModifiedEvent\nmodified r DirModifiedEvent\n");
  write("r/f", "");
  EXPECT_EQ(told(), "modified r/f FileModifiedEvent\nmodified r DirModifiedEvent\n");
  ::chmod(path("r/f").c_str(), 0600);
  EXPECT_EQ(told(), "modified r/f FileModifiedEvent\n");
  EXPECT_TRUE(read_file(path("r/f")));
  EXPECT_EQ(told(), "");
  remove("r/f");
  EXPECT_EQ(told(), "deleted r/f FileDeletedEvent\nmodified r DirModifiedEvent\n");
  fs::create_symlink("nowhere", path("r/l"));
  EXPECT_EQ(told(), "created r/l FileCreatedEvent\nmodified r DirModifiedEvent\n");
}

TEST_F(WatchdogTest, TellsOfDirectories) {
  watch();

  mkdirs("r/a/b");
  EXPECT_EQ(told(),
            "created r/a DirCreatedEvent\nmodified r DirModifiedEvent\n"
            "created r/a/b DirCreatedEvent\nmodified r/a DirModifiedEvent\n");
  ::chmod(path("r/a").c_str(), 0700);
  EXPECT_EQ(told(), "modified r/a DirModifiedEvent\n");
  ::chmod(path("r").c_str(), 0700);
  EXPECT_EQ(told(), "modified r DirModifiedEvent\n");
  remove("r/a");
  EXPECT_EQ(told(),
            "deleted r/a/b DirDeletedEvent\nmodified r/a DirModifiedEvent\n"
            "deleted r/a DirDeletedEvent\nmodified r DirModifiedEvent\n");
}

TEST_F(WatchdogTest, TellsOnceOfWhatIsInANewDirectoryAndGoesOnThere) {
  watch();

  mkdirs("r/a");
  write("r/a/f", "text");
  EXPECT_EQ(told(),
            "created r/a DirCreatedEvent\nmodified r DirModifiedEvent\n"
            "created r/a/f FileCreatedEvent\nmodified r/a DirModifiedEvent\n");
  write("r/a/g", "");
  EXPECT_EQ(told(),
            "created r/a/g FileCreatedEvent\nmodified r/a DirModifiedEvent\n"
            "modified r/a DirModifiedEvent\n");
}

TEST_F(WatchdogTest, TellsOfRenames) {
  write("r/f", "text");
  mkdirs("r/a");
  mkdirs("r/b");
  watch();

  move("r/f", "r/g");
  EXPECT_EQ(told(), "moved r/f FileMovedEvent\nmodified r DirModifiedEvent\n");
  move("r/g", "r/a/g");
  EXPECT_EQ(told(),
            "moved r/g FileMovedEvent\nmodified r DirModifiedEvent\nmodified r/a "
            "DirModifiedEvent\n");
  write("r/b/g", "other");
  told();
  move("r/a/g", "r/b/g");
  EXPECT_EQ(told(),
            "moved r/a/g FileMovedEvent\nmodified r/a DirModifiedEvent\nmodified r/b "
            "DirModifiedEvent\n");
}

TEST_F(WatchdogTest, TellsOfWhatMovesWithADirectoryAndFollowsIt) {
  mkdirs("r/d/e");
  write("r/d/f", "");
  write("r/d/e/g", "");
  watch();

  move("r/d", "r/n");
  EXPECT_EQ(told(),
            "moved r/d DirMovedEvent\nmodified r DirModifiedEvent\nmoved r/d/e DirMovedEvent\n"
            "moved r/d/f FileMovedEvent\nmoved r/d/e/g FileMovedEvent\n");
  remove("r/n/e/g");
  EXPECT_EQ(told(), "deleted r/n/e/g FileDeletedEvent\nmodified r/n/e DirModifiedEvent\n");
}

TEST_F(WatchdogTest, TellsOfADirectoryThatIsMovedInAndFollowsIt) {
  mkdirs("out/d/e");
  write("out/d/f", "");
  write("out/d/e/g", "");
  watch();

  move("out/d", "r/d");
  EXPECT_EQ(told(),
            "created r/d DirCreatedEvent\nmodified r DirModifiedEvent\ncreated r/d/e "
            "DirCreatedEvent\ncreated r/d/f FileCreatedEvent\ncreated r/d/e/g FileCreatedEvent\n");
  remove("r/d/e/g");
  EXPECT_EQ(told(), "deleted r/d/e/g FileDeletedEvent\nmodified r/d/e DirModifiedEvent\n");
}

TEST_F(WatchdogTest, WaitsHalfASecondForTheOtherHalfOfARename) {
  mkdirs("r/d/e");
  watch();
  move("r/d", "out/d");
  write("r/f", "");
  EXPECT_TRUE(source_->events().empty());

  // It has been read once the timer runs: nothing is told before.
  source_->advance(0ms);
  source_->advance(499ms);
  EXPECT_TRUE(source_->events().empty());
  source_->advance(1ms);

  EXPECT_EQ(told(),
            "deleted r/d DirDeletedEvent\nmodified r DirModifiedEvent\ncreated r/f "
            "FileCreatedEvent\nmodified r DirModifiedEvent\nmodified r DirModifiedEvent\n");
  write("out/d/e/x", "");
  EXPECT_EQ(told(), "") << "it is still watched";
}

TEST_F(WatchdogTest, WatchesOneLevelUnlessItIsToldToGoDeeper) {
  mkdirs("r/d/e");
  watch(Object{});

  write("r/d/f", "text");
  EXPECT_EQ(told(), "");
  move("r/d", "r/n");
  EXPECT_EQ(told(), "moved r/d DirMovedEvent\nmodified r DirModifiedEvent\n");
  mkdirs("r/x/y");
  EXPECT_EQ(told(), "created r/x DirCreatedEvent\nmodified r DirModifiedEvent\n");
  fs::remove_all(path("r/x"));
  EXPECT_EQ(told(), "deleted r/x DirDeletedEvent\nmodified r DirModifiedEvent\n");
}

TEST_F(WatchdogTest, IgnoresPathsThatBeginWithAMatchInEitherCase) {
  watch({{"ignore_regexes", Array{".*\\.TMP$", path("r/x")}}});

  write("r/f.tmp", "text");
  EXPECT_EQ(told(), "modified r DirModifiedEvent\nmodified r DirModifiedEvent\n");
  write("r/xyz", "");
  EXPECT_EQ(told(), "modified r DirModifiedEvent\nmodified r DirModifiedEvent\n");
  write("r/f.tmp.txt", "");
  EXPECT_TRUE(told().starts_with("created r/f.tmp.txt"));
  move("r/f.tmp", "r/f");  // as editors save
  EXPECT_EQ(told(), "modified r DirModifiedEvent\n");
}

TEST_F(WatchdogTest, WatchesASingleFile) {
  const auto file = write("r/f", "");
  Watchdog source({{"path", file}});

  write("r/other", "");
  write("r/f", "text");
  ASSERT_TRUE(source.run_until([&] { return source.events().size() >= 2; }));
  EXPECT_EQ(source.text(0, "change") + source.text(0, "src_path"), "modified" + file);
  EXPECT_EQ(source.text(1, "src_path"), path("r"));
  remove("r/f");

  const auto outcome = source.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::not_found);
  EXPECT_EQ(source.text(source.events().size() - 1, "type"), "FileDeletedEvent");
}

TEST_F(WatchdogTest, FollowsTheRootIfItIsALink) {
  fs::create_directory_symlink(path("r"), path("link"));
  Watchdog source({{"path", path("link/")}});

  write("r/f", "");

  ASSERT_TRUE(source.run_until([&] { return !source.events().empty(); }));
  EXPECT_EQ(source.text(0, "src_path"), path("link/f"));
  EXPECT_EQ(source.text(1, "src_path"), path("link"));
  EXPECT_EQ(source.text(0, "root_path"), path("link/"));
}

TEST_F(WatchdogTest, FailsWhenTheRootIsRemovedOrMovedAway) {
  watch();
  remove("r");
  EXPECT_EQ(source_->finish().error().message(),
            path("r") + " was removed or moved away: there is nothing to watch");
  EXPECT_EQ(source_->text(source_->events().size() - 1, "type"), "DirDeletedEvent");

  mkdirs("r");
  watch();
  move("r", "elsewhere");
  EXPECT_FALSE(source_->finish());
}

TEST_F(WatchdogTest, NamesAPathThatIsMissing) {
  Watchdog source({{"path", path("none")}});

  const auto outcome = source.finish();

  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::not_found);
  EXPECT_NE(outcome.error().message().find(path("none")), std::string::npos);
}

TEST_F(WatchdogTest, AnswersToItsOtherNames) {
  for (const auto* name : {"file_watch", "ansible.eda.file_watch", "community.eda.file_watch",
                           "ansible.eda.watchdog"}) {
    const Watchdog source({{"path", path("r")}}, name);
    EXPECT_FALSE(source.outcome());
  }
}

TEST_F(WatchdogTest, RefusesSettingsThatCannotBe) {
  EXPECT_NE(Watchdog({{"path", ""}}).settings_problem().find("path"), std::string::npos);
  const Watchdog broken({{"path", path("r")}, {"ignore_regexes", Array{"a", "(b"}}});
  EXPECT_NE(broken.settings_problem().find("(b"), std::string::npos);
}

TEST_F(WatchdogTest, ReadsNoFurtherWhileTheEngineIsBehind) {
  watch();
  source_->hold_events();
  write("r/f", "");
  source_->advance(0ms);  // read now, and offered
  write("r/g", "");
  EXPECT_TRUE(source_->events().empty());

  source_->release_events();

  EXPECT_EQ(told(),
            "created r/f FileCreatedEvent\nmodified r DirModifiedEvent\nmodified r "
            "DirModifiedEvent\ncreated r/g FileCreatedEvent\nmodified r DirModifiedEvent\nmodified "
            "r DirModifiedEvent\n");
}

TEST_F(WatchdogTest, StopsAtOnceAlsoWhileTheEngineIsBehind) {
  watch();
  source_->hold_events();
  write("r/f", "");
  source_->advance(0ms);

  source_->cancel();

  EXPECT_EQ(source_->finish().error().code(), Errc::cancelled);
}

TEST_F(WatchdogTest, FindsOutWhatWasLostByLooking) {
  const auto limit = read_file("/proc/sys/fs/inotify/max_queued_events");
  ASSERT_TRUE(limit);
  mkdirs("r/d/e");
  write("r/d/e/f", "");
  watch();
  source_->hold_events();
  write("r/first", "");
  source_->advance(0ms);
  const int enough = std::stoi(*limit) / 2 + 3000;
  const auto busy = path("r/busy");
  const auto busier = path("r/busier");
  write("r/busy", "");
  for (int i = 0; i < enough; ++i) {
    ::chmod(busy.c_str(), 0600);  // two names: the system unites equal events
    ::link(busy.c_str(), busier.c_str());
    ::unlink(busier.c_str());
  }
  mkdirs("r/new/below");
  write("r/new/below/f", "");
  remove("r/d/e");

  source_->release_events();
  const auto all = told();

  EXPECT_NE(all.find("created r/new DirCreatedEvent"), std::string::npos);
  EXPECT_NE(all.find("created r/new/below/f FileCreatedEvent"), std::string::npos);
  EXPECT_NE(all.find("deleted r/d/e DirDeletedEvent"), std::string::npos);
  EXPECT_NE(source_->log_lines().back().find("lost changes"), std::string::npos);
  write("r/new/below/g", "");
  EXPECT_TRUE(told().starts_with("created r/new/below/g"));
}

// In a user namespace of its own, where the limit can be lowered.
[[noreturn]] void run_out_of_watches(const std::string& root) {
  const auto write_line = [](const char* file, const std::string& line) {
    std::ofstream out(file);
    out << line << std::flush;
    return out.good();
  };
  const auto user = std::to_string(::geteuid());
  if (::unshare(CLONE_NEWUSER) != 0 || !write_line("/proc/self/uid_map", "0 " + user + " 1") ||
      !write_line("/proc/sys/user/max_inotify_watches", "2")) {
    std::_Exit(77);
  }
  Watchdog source({{"path", root}, {"recursive", true}});
  const auto outcome = source.finish();
  if (!outcome) std::fputs(outcome.error().message().c_str(), stderr);
  std::_Exit(outcome ? 0 : 1);
}

bool namespaces_work() {
  const auto child = ::fork();
  if (child == 0) std::_Exit(::unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0;
}

TEST_F(WatchdogTest, NamesTheLimitOfWatchesThatIsReached) {
  if (!namespaces_work()) GTEST_SKIP() << "user namespaces are not allowed here";
  mkdirs("r/a");
  mkdirs("r/b");

  EXPECT_EXIT(run_out_of_watches(path("r")), ::testing::ExitedWithCode(1),
              "cannot watch .*: the system's limit of watches is reached; raise the sysctl "
              "fs.inotify.max_user_watches, which is [0-9]+\\n?$");
}

}  // namespace
}  // namespace millrace::watchdog
