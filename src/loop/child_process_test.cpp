// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/child_process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"

namespace millrace {
namespace {

using namespace std::chrono_literals;

// A process that ended is a zombie until its parent, which may be the system's first process, looks
// for it.
bool is_alive(pid_t pid) {
  const auto status = read_file(fmt::format("/proc/{}/stat", pid));
  return status && status->find(") Z ") == std::string::npos;
}

class ChildProcessTest : public ::testing::Test {
 protected:
  ~ChildProcessTest() override {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was not reaped";
    EXPECT_EQ(errno, ECHILD);
  }

  Task<> run(ChildOptions options) {
    outcome_ = co_await run_child(loop_, std::move(options));
    asked_to_stop_ = co_await stop_requested();
  }
  void start(ChildOptions options) {
    tasks_.spawn("child", run(std::move(options)));
    loop_.run_ready();
  }
  bool ended() {
    return loop_.run_until([this] { return tasks_.size() == 0; });
  }
  Result<ChildOutcome> finish(ChildOptions options) {
    start(std::move(options));
    EXPECT_TRUE(ended());
    return outcome_;
  }
  Result<ChildOutcome> shell(std::string script) {
    return finish({.arguments = {"sh", "-c", std::move(script)}});
  }
  // What the child has written to a file to tell of itself, once it is there.
  std::string wait_for_note() {
    std::string text;
    EXPECT_TRUE(loop_.run_until([&] {
      text = read_file(note_).value_or("");
      return text.ends_with('\n');
    }));
    return std::string(trim(text));
  }
  bool wait_until_gone(pid_t pid) {
    return loop_.run_until([pid] { return !is_alive(pid); });
  }

  ManualClock clock_;  // a timeout comes when the test says so
  MainLoop loop_{clock_};
  TaskGroup tasks_{loop_.executor(), [](std::string_view, const std::exception_ptr& why) {
                     std::rethrow_exception(why);
                   }};
  Result<ChildOutcome> outcome_ = fail(Errc::unavailable, "still running");
  bool asked_to_stop_ = false;
  const std::string note_ = ::testing::TempDir() + "millrace-child-" + std::to_string(::getpid()) +
                            "-" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(ChildProcessTest, GivesBothOutputsAndTheExitCode) {
  const auto outcome = shell("echo out; echo err >&2; exit 3");

  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->output, "out\n");
  EXPECT_EQ(outcome->errors, "err\n");
  EXPECT_EQ(outcome->exit_code, 3);
  EXPECT_FALSE(outcome->timed_out);
  EXPECT_FALSE(outcome->truncated);
}

TEST_F(ChildProcessTest, PassesArgumentsUnchanged) {
  const auto outcome = finish({.arguments = {"printf", "<%s>", "a b", "", "$HOME; *", "ä\n"}});

  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->output, "<a b><><$HOME; *><ä\n>");
}

TEST_F(ChildProcessTest, SaysWhichProgramWasNotFound) {
  const auto outcome = finish({.arguments = {"no-such-program-here"}});

  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::not_found);
  EXPECT_NE(outcome.error().message().find("no-such-program-here"), std::string::npos);
}

TEST_F(ChildProcessTest, SaysThatAProgramMayNotBeRun) {
  ASSERT_TRUE(write_file_atomically(note_, "not a program"));
  const auto outcome = finish({.arguments = {note_}});

  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::permission_denied);
  std::filesystem::remove(note_);
}

TEST_F(ChildProcessTest, RefusesToRunNothing) {
  EXPECT_EQ(finish({}).error().code(), Errc::invalid_settings);
  EXPECT_EQ(finish({.arguments = {""}}).error().code(), Errc::not_found);
}

// The system would cut such a text short, and run something else than what was asked for.
TEST_F(ChildProcessTest, RefusesTextsThatTheSystemCannotCarry) {
  const std::string nul("a\0b", 3);
  EXPECT_EQ(finish({.arguments = {"echo", nul}}).error().code(), Errc::invalid_settings);
  EXPECT_EQ(finish({.arguments = {"echo"}, .environment = {{"A", nul}}}).error().code(),
            Errc::invalid_settings);
  EXPECT_EQ(finish({.arguments = {"echo"}, .environment = {{nul, "x"}}}).error().code(),
            Errc::invalid_settings);
  EXPECT_EQ(finish({.arguments = {"echo"}, .environment = {{"A=B", "x"}}}).error().code(),
            Errc::invalid_settings);
  EXPECT_EQ(finish({.arguments = {"echo"}, .environment = {{"", "x"}}}).error().code(),
            Errc::invalid_settings);
  EXPECT_EQ(finish({.arguments = {"echo"}, .directory = nul}).error().code(),
            Errc::invalid_settings);
}

TEST_F(ChildProcessTest, RunsInTheGivenDirectory) {
  const auto outcome = finish({.arguments = {"pwd"}, .directory = "/"});

  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->output, "/\n");
}

TEST_F(ChildProcessTest, NamesADirectoryThatIsNotThere) {
  const auto outcome = finish({.arguments = {"pwd"}, .directory = "/no/such/directory"});

  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::not_found);
  EXPECT_NE(outcome.error().message().find("/no/such/directory"), std::string::npos)
      << outcome.error().message();
}

TEST_F(ChildProcessTest, AddsToTheEnvironment) {
  ::setenv("MILLRACE_TEST_KEPT", "kept", 1);
  ::setenv("MILLRACE_TEST_CHANGED", "old", 1);
  const auto outcome =
      finish({.arguments = {"sh", "-c", "env | grep MILLRACE_TEST_ | sort"},
              .environment = {{"MILLRACE_TEST_CHANGED", "new"}, {"MILLRACE_TEST_ADDED", "a=b c"}}});

  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->output,
            "MILLRACE_TEST_ADDED=a=b c\nMILLRACE_TEST_CHANGED=new\nMILLRACE_TEST_KEPT=kept\n");
}

TEST_F(ChildProcessTest, GivesTheInputAndThenItsEnd) {
  const std::string input(300'000, 'x');  // more than a pipe holds
  const auto outcome = finish({.arguments = {"cat"}, .input = input});

  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->output, input);
}

TEST_F(ChildProcessTest, GivesAnEmptyInputWhenThereIsNone) {
  const auto outcome = finish({.arguments = {"cat"}});

  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->output, "");
}

TEST_F(ChildProcessTest, LeavesInputThatTheChildDoesNotRead) {
  const auto outcome = finish({.arguments = {"true"}, .input = std::string(1'000'000, 'x')});

  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->exit_code, 0);
}

TEST_F(ChildProcessTest, LeavesInputWhenTheChildClosesItAndGoesOn) {
  const auto outcome = finish(
      {.arguments = {"sh", "-c", "exec <&-; echo on"}, .input = std::string(1'000'000, 'x')});

  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->output, "on\n");
}

TEST_F(ChildProcessTest, KeepsNoMoreOutputThanTheLimit) {
  const auto outcome =
      finish({.arguments = {"sh", "-c", "head -c 200000 /dev/zero; head -c 10 /dev/zero >&2"},
              .output_limit = 1000});

  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->output.size(), 1000u);
  EXPECT_EQ(outcome->errors.size(), 10u);
  EXPECT_TRUE(outcome->truncated);
  EXPECT_EQ(outcome->exit_code, 0);
}

TEST_F(ChildProcessTest, KeepsOutputOfExactlyTheLimitWhole) {
  const auto outcome = finish({.arguments = {"printf", "12345"}, .output_limit = 5});

  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->output, "12345");
  EXPECT_FALSE(outcome->truncated);
}

TEST_F(ChildProcessTest, ReportsTheSignalThatKilledTheChild) {
  const auto outcome = shell("kill -KILL $$");

  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->exit_code, 128 + SIGKILL);
}

TEST_F(ChildProcessTest, StartsWithDefaultSignals) {
  const auto outcome = shell("kill -PIPE $$; echo still here");  // the engine ignores SIGPIPE

  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->exit_code, 128 + SIGPIPE);
}

TEST_F(ChildProcessTest, WaitsForAChildThatHasClosedItsOutputs) {
  start({.arguments = {
             "sh", "-c",
             fmt::format("exec >&- 2>&-; echo $$ > {0}; while [ -e {0} ]; do :; done", note_)}});
  wait_for_note();
  EXPECT_EQ(tasks_.size(), 1u);

  std::filesystem::remove(note_);

  EXPECT_TRUE(ended());
  ASSERT_TRUE(outcome_) << outcome_.error().message();
  EXPECT_EQ(outcome_->exit_code, 0);
}

TEST_F(ChildProcessTest, ATimeoutEndsTheWholeGroup) {
  start({.arguments = {"sh", "-c", fmt::format("sleep 100 & echo $! > {}; sleep 100", note_)},
         .timeout = 5s});
  const auto grandchild = static_cast<pid_t>(std::stoi(wait_for_note()));
  EXPECT_TRUE(is_alive(grandchild));

  loop_.advance(4s);
  EXPECT_EQ(tasks_.size(), 1u);
  loop_.advance(1s);

  EXPECT_TRUE(ended());
  ASSERT_TRUE(outcome_) << outcome_.error().message();
  EXPECT_TRUE(outcome_->timed_out);
  EXPECT_EQ(outcome_->exit_code, 128 + SIGTERM);
  EXPECT_TRUE(wait_until_gone(grandchild));
  std::filesystem::remove(note_);
}

TEST_F(ChildProcessTest, KillsAChildThatWillNotEndAfterTheGracePeriod) {
  start({.arguments = {"sh", "-c",
                       fmt::format("trap '' TERM; echo $$ > {}; while :; do sleep 0.01; done",
                                   note_)},
         .timeout = 5s,
         .grace = 3s});
  wait_for_note();

  loop_.advance(5s);
  loop_.advance(2s);
  EXPECT_EQ(tasks_.size(), 1u);
  loop_.advance(1s);

  EXPECT_TRUE(ended());
  ASSERT_TRUE(outcome_) << outcome_.error().message();
  EXPECT_TRUE(outcome_->timed_out);
  EXPECT_EQ(outcome_->exit_code, 128 + SIGKILL);
  std::filesystem::remove(note_);
}

TEST_F(ChildProcessTest, EndsWhatTheChildLeavesBehind) {
  const auto outcome = shell("sleep 100 & echo $!");

  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->exit_code, 0);
  EXPECT_TRUE(wait_until_gone(static_cast<pid_t>(std::stoi(outcome->output))));
}

TEST_F(ChildProcessTest, DoesNotWaitForEverForOutputOfAProcessThatLeftTheGroup) {
  start({.arguments = {"sh", "-c",
                       fmt::format("setsid sh -c 'echo $$ > {0}; exec sleep 100' & "
                                   "while [ ! -s {0} ]; do :; done; echo out",
                                   note_)},
         .grace = 2s});
  const auto runaway = static_cast<pid_t>(std::stoi(wait_for_note()));
  ASSERT_TRUE(loop_.run_until([] {
    siginfo_t info{};  // the child itself was reaped
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1;
  }));
  loop_.advance(2s);

  EXPECT_TRUE(ended());
  ASSERT_TRUE(outcome_) << outcome_.error().message();
  EXPECT_EQ(outcome_->output, "out\n");
  EXPECT_EQ(::kill(runaway, SIGKILL), 0);
  std::filesystem::remove(note_);
}

TEST_F(ChildProcessTest, AStopEndsTheChildAndIsStillSeenAfterwards) {
  start({.arguments = {"sh", "-c", fmt::format("sleep 100 & echo $! > {}; sleep 100", note_)}});
  const auto grandchild = static_cast<pid_t>(std::stoi(wait_for_note()));

  tasks_.request_stop();

  EXPECT_TRUE(ended());
  EXPECT_EQ(outcome_.error().code(), Errc::cancelled);
  EXPECT_TRUE(asked_to_stop_);
  EXPECT_TRUE(wait_until_gone(grandchild));
  std::filesystem::remove(note_);
}

TEST_F(ChildProcessTest, AStopWaitsForAStubbornChildUntilItIsKilled) {
  start({.arguments = {"sh", "-c",
                       fmt::format("trap '' TERM; echo $$ > {}; while :; do sleep 0.01; done",
                                   note_)},
         .grace = 3s});
  wait_for_note();

  tasks_.request_stop();
  loop_.run_ready();
  loop_.advance(2s);
  EXPECT_EQ(tasks_.size(), 1u);
  loop_.advance(1s);

  EXPECT_TRUE(ended());
  EXPECT_EQ(outcome_.error().code(), Errc::cancelled);
  std::filesystem::remove(note_);
}

TEST_F(ChildProcessTest, RunsManyAtOnce) {
  for (int i = 0; i < 20; ++i)
    tasks_.spawn("child", run({.arguments = {"sh", "-c", "echo x; echo y >&2"}}));

  EXPECT_TRUE(ended());
  ASSERT_TRUE(outcome_) << outcome_.error().message();
  EXPECT_EQ(outcome_->output, "x\n");
}

TEST_F(ChildProcessTest, LeavesNoFileDescriptorOpen) {
  const auto count = [] {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    return std::distance(begin(open), end(open));
  };
  const auto before = count();
  EXPECT_TRUE(shell("true"));
  EXPECT_FALSE(finish({.arguments = {"no-such-program-here"}}));
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace millrace
