// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"

namespace millrace {
namespace {

class ProcessTest : public ::testing::Test {
 protected:
  ~ProcessTest() override {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was not reaped";
    EXPECT_EQ(errno, ECHILD);
  }

  // What the script writes to its descriptor `number`, and how it ends.
  std::string run(std::string script, int number, std::map<int, int> descriptors = {}) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return "no pipe";
    const FileDescriptor read(ends[0]);
    FileDescriptor write(ends[1]);
    descriptors[number] = write.get();
    auto process = ChildProcess::start(
        loop_, {.arguments = {"sh", "-c", std::move(script)}, .descriptors = descriptors});
    if (!process) return process.error().message();
    write.close();
    tasks_.spawn("wait", wait(**process));
    EXPECT_TRUE(loop_.run_until([this] { return tasks_.size() == 0; }));
    std::array<char, 4096> buffer{};
    const auto got = ::read(read.get(), buffer.data(), buffer.size());
    return std::string(buffer.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
  }
  Task<> wait(ChildProcess& process) { exit_ = co_await process.wait(); }

  ManualClock clock_;
  MainLoop loop_{clock_};
  TaskGroup tasks_{loop_.executor(), {}};
  Result<ExitStatus> exit_ = fail(Errc::unavailable, "still running");
};

// Of the shell itself, as another process sees them.
constexpr const char* kListDescriptors = "find /proc/$$/fd -type l -printf '%f %l\\n'; :";

TEST_F(ProcessTest, GivesTheChosenDescriptorsAndNoOthers) {
  // Left open across exec on purpose.
  const FileDescriptor leaked(::open("/etc/passwd", O_RDONLY));  // NOLINT
  const FileDescriptor high(::fcntl(leaked.get(), F_DUPFD, 200));

  const auto listed = run(kListDescriptors, 1, {{5, leaked.get()}});

  const auto lines = split(trim(listed), '\n');
  ASSERT_EQ(lines.size(), 4u) << listed;
  EXPECT_EQ(lines[0], "0 /dev/null");
  EXPECT_TRUE(lines[1].starts_with("1 pipe:")) << listed;
  EXPECT_EQ(lines[2], "2 /dev/null");
  EXPECT_EQ(lines[3], "5 /etc/passwd");
}

TEST_F(ProcessTest, ADescriptorMayHaveTheNumberThatAnotherOneGets) {
  const FileDescriptor first(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  const FileDescriptor second(::open("/etc/group", O_RDONLY | O_CLOEXEC));

  const auto listed =
      run(kListDescriptors, 1, {{first.get(), second.get()}, {second.get(), first.get()}});

  EXPECT_NE(listed.find(fmt::format("{} /etc/group\n", first.get())), std::string::npos) << listed;
  EXPECT_NE(listed.find(fmt::format("{} /etc/passwd\n", second.get())), std::string::npos);
}

TEST_F(ProcessTest, TellsHowItEnded) {
  run("exit 3", 1);
  ASSERT_TRUE(exit_);
  EXPECT_EQ(exit_->text(), "ended with exit code 3");

  run("kill -9 $$", 1);
  ASSERT_TRUE(exit_);
  EXPECT_EQ(exit_->text(), "was killed by signal 9");
}

TEST_F(ProcessTest, ASignalReachesTheWholeGroup) {
  auto process = ChildProcess::start(loop_, {.arguments = {"sh", "-c", "sleep 100; true"}});
  ASSERT_TRUE(process) << process.error().message();
  tasks_.spawn("wait", wait(**process));
  loop_.run_ready();

  (*process)->kill(SIGTERM);

  EXPECT_TRUE(loop_.run_until([this] { return tasks_.size() == 0; }));
  ASSERT_TRUE(exit_);
  EXPECT_EQ(exit_->signal, SIGTERM);
  (*process)->kill(SIGTERM);  // nobody is there
}

TEST_F(ProcessTest, HasASessionOfItsOwnAndSoNoTerminal) {
  const auto stat = run("cat /proc/$$/stat", 1);
  const auto fields =
      split(stat.substr(stat.rfind(')') + 2), ' ');  // state, parent, group, session
  ASSERT_GT(fields.size(), 4u) << stat;
  const auto pid = stat.substr(0, stat.find(' '));
  EXPECT_EQ(fields[2], pid);
  EXPECT_EQ(fields[3], pid);
  EXPECT_EQ(fields[4], "0");  // the terminal
}

TEST_F(ProcessTest, AStopEndsTheWaitAndNotTheProcess) {
  auto process = ChildProcess::start(loop_, {.arguments = {"sleep", "100"}});
  ASSERT_TRUE(process);
  tasks_.spawn("wait", wait(**process));
  loop_.run_ready();

  tasks_.request_stop();

  EXPECT_TRUE(loop_.run_until([this] { return tasks_.size() == 0; }));
  EXPECT_EQ(exit_.error().code(), Errc::cancelled);
  EXPECT_EQ(::kill((*process)->pid(), 0), 0);
}

TEST_F(ProcessTest, DoesNotOutliveItsObject) {
  auto process = ChildProcess::start(loop_, {.arguments = {"sleep", "100"}});
  ASSERT_TRUE(process);
  const auto pid = (*process)->pid();

  process->reset();

  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(ProcessTest, SaysWhyItCannotStart) {
  EXPECT_EQ(ChildProcess::start(loop_, {}).error().code(), Errc::invalid_settings);
  const auto missing = ChildProcess::start(loop_, {.arguments = {"/no/such/program"}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Errc::not_found);
}

}  // namespace
}  // namespace millrace
