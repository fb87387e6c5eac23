// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/plugin/testing/source_harness.hpp"
#include "millrace/plugin/testing/temporary_folder.hpp"

void millrace_describe_exec_source(millrace::PluginBuilder&);

namespace millrace::exec_source {
namespace {

using namespace std::chrono_literals;
using testing::SourceHarness;

class Exec : public SourceHarness {
 public:
  explicit Exec(Object settings)
      : SourceHarness(millrace_describe_exec_source, "exec", std::move(settings)) {}
  Exec(const std::string& shell, Object more) : Exec(with_shell(shell, std::move(more))) {}

  std::string texts() const {
    std::string all;
    for (const auto& event : events()) all += boost::json::serialize(event) + ' ';
    return all.substr(0, all.size() - (all.empty() ? 0 : 1));
  }
  bool wait_for(std::size_t events) {
    return run_until([this, events] { return this->events().size() >= events; });
  }

 private:
  static Object with_shell(const std::string& shell, Object more) {
    more["shell"] = shell;
    return more;
  }
};

class ExecTest : public ::testing::Test {
 protected:
  // The number that a command has written into the file `name`.
  pid_t pid_from(Exec& source, const std::string& name) const {
    const auto is_there = [&] {
      const auto text = read_file(folder_.path(name));
      return text && text->ends_with('\n');
    };
    if (!source.run_until(is_there)) return -1;
    return std::stoi(*read_file(folder_.path(name)));
  }
  static bool is_alive(pid_t pid) { return ::kill(pid, 0) == 0; }
  // 'R': runs; 'S': waits for something.
  static char state_of(pid_t pid) {
    const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    return stat ? (*stat)[stat->rfind(')') + 2] : '-';
  }
  static std::string name_of(pid_t pid) {
    return read_file("/proc/" + std::to_string(pid) + "/comm").value_or("");
  }
  Object here() const { return {{"directory", folder_.path()}}; }

  const testing::TemporaryFolder folder_;
};

TEST_F(ExecTest, MakesAnEventOfEachLineAndEndsWithTheCommand) {
  Exec source({{"command", {"printf", "one\\n\\ntwo three\\r\\nlast"}}});

  EXPECT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"line":"one"} {"line":""} {"line":"two three"} {"line":"last"})");
}

TEST_F(ExecTest, HandsOverManyLinesAtOnce) {
  Exec source("seq 1 10000", {});

  EXPECT_TRUE(source.finish());
  ASSERT_EQ(source.events().size(), 10000U);
  EXPECT_EQ(source.events().back(), Value({{"line", "10000"}}));
  EXPECT_LT(source.batches(), 100U);
}

TEST_F(ExecTest, PassesArgumentsUnchangedAndShellsOnlyWhereTheyAreAskedFor) {
  Exec source({{"command", {"echo", "$HOME; exit 1", "a b"}}});
  EXPECT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"line":"$HOME; exit 1 a b"})");

  Exec shell("for i in 1 2; do echo $i; done | cat", {});
  EXPECT_TRUE(shell.finish());
  EXPECT_EQ(shell.texts(), R"({"line":"1"} {"line":"2"})");
}

TEST_F(ExecTest, TakesEventsAsJsonAndRefusesWhatIsNone) {
  Exec source("echo '{\"a\": 1}'; echo; echo nonsense; echo '[1]'; echo '{\"a\": 2}'",
              {{"format", "json"}});

  EXPECT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"a":1} {"a":2})");
  EXPECT_EQ(source.rejected().size(), 2U);
}

TEST_F(ExecTest, NamesTheStreamWhenBothAreRead) {
  Exec lines("echo out; echo err >&2", {{"stream", "both"}});
  EXPECT_TRUE(lines.finish());
  ASSERT_EQ(lines.events().size(), 2U);
  EXPECT_NE(lines.texts().find(R"({"line":"out","stream":"stdout"})"), std::string::npos);
  EXPECT_NE(lines.texts().find(R"({"line":"err","stream":"stderr"})"), std::string::npos);

  Exec json("echo '{\"a\": 1}'; echo; echo broken; echo 7",
            {{"stream", "both"}, {"format", "json"}});
  EXPECT_TRUE(json.finish());
  EXPECT_EQ(json.texts(), R"({"a":1,"stream":"stdout"})");
  ASSERT_EQ(json.rejected().size(), 2U);
  EXPECT_EQ(json.rejected()[0].index, 3U);
  EXPECT_TRUE(json.rejected()[0].error.message().starts_with("stdout: "));
  EXPECT_EQ(json.rejected()[1].index, 4U);
}

TEST_F(ExecTest, ReadsStandardErrorInstead) {
  Exec source("echo out; echo err >&2", {{"stream", "stderr"}});

  EXPECT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"line":"err"})");
  EXPECT_TRUE(source.log_lines().empty());
}

TEST_F(ExecTest, LogsWhatTheCommandComplainsOf) {
  Exec source("echo out; echo 'take care' >&2", {});

  EXPECT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"line":"out"})");
  EXPECT_EQ(source.log_lines(), std::vector<std::string>{"warning take care"});
}

TEST_F(ExecTest, FailsWhenTheCommandDoes) {
  Exec source("echo out; echo oops >&2; exit 3", {});
  const auto outcome = source.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error(), Error(Errc::io, "the command ended with exit code 3: oops"));
  EXPECT_EQ(source.texts(), R"({"line":"out"})");

  Exec failing({{"command", {"false"}}});
  EXPECT_EQ(failing.finish().error().message(), "false ended with exit code 1");

  Exec killed("kill -9 $$", {});
  EXPECT_EQ(killed.finish().error().message(), "the command was killed by signal 9");
}

TEST_F(ExecTest, SaysWhyACommandCannotBeStarted) {
  Exec source({{"command", {"/no/such/program"}}});
  EXPECT_EQ(source.finish().error().code(), Errc::not_found);

  Exec elsewhere({{"command", {"true"}}, {"directory", folder_.path("none")}});
  EXPECT_NE(elsewhere.finish().error().message().find("none"), std::string::npos);
}

TEST_F(ExecTest, RunsWhereAndWithWhatItIsTold) {
  Exec source(
      "pwd; echo $GREETING $NUMBER; cat",
      {{"directory", folder_.path()}, {"environment", {{"GREETING", "hi"}, {"NUMBER", 7}}}});

  EXPECT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"line":")" + folder_.path() + R"("} {"line":"hi 7"})");
}

TEST_F(ExecTest, RefusesLinesThatAreTooLong) {
  Exec source("echo abcd; echo abcde; head -c 100000 /dev/zero; echo; echo end", {{"max_line", 4}});

  EXPECT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"line":"abcd"} {"line":"end"})");
  ASSERT_EQ(source.rejected().size(), 2U);
  EXPECT_EQ(source.rejected()[0].index, 2U);
  EXPECT_EQ(source.rejected()[1].index, 3U);
  EXPECT_EQ(source.rejected()[1].error.message(),
            "a line of 100.0 kB on stdout is left out: max_line is 4 B");
}

TEST_F(ExecTest, ReplacesWhatIsNotUtf8) {
  Exec source("printf '\\377a\\n'", {});

  EXPECT_TRUE(source.finish());
  EXPECT_EQ(source.texts(),
            "{\"line\":\"\xEF\xBF\xBD"
            "a\"}");
}

TEST_F(ExecTest, DoesNotReadWhileTheEngineIsBehind) {
  Exec source("echo $$ > pid; until [ -e go ]; do sleep 0.01; done; exec seq 1 100000", here());
  source.hold_events();
  const auto pid = pid_from(source, "pid");
  folder_.write("go", "");

  // It sleeps only when the pipe is full.
  ASSERT_TRUE(source.run_until([&] { return name_of(pid) == "seq\n" && state_of(pid) == 'S'; }));
  EXPECT_TRUE(source.events().empty());
  source.release_events();

  EXPECT_TRUE(source.finish());
  EXPECT_EQ(source.events().size(), 100000U);
}

TEST_F(ExecTest, LosesNothingThatWasWrittenBeforeTheEnd) {
  Exec source("echo $$ > pid; exec seq 1 5000", here());
  source.hold_events();
  const auto pid = pid_from(source, "pid");
  ASSERT_TRUE(source.run_until([&] { return !is_alive(pid); }));

  source.release_events();

  EXPECT_TRUE(source.finish());
  EXPECT_EQ(source.events().size(), 5000U);
}

TEST_F(ExecTest, DoesNotWaitForADescendantThatHasLeftAndHoldsThePipe) {
  Exec source(
      "setsid sh -c 'echo $$ > pid; exec sleep 1000' & while [ ! -s pid ]; do :; done; echo hi",
      here());

  EXPECT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"line":"hi"})");
  const auto pid = pid_from(source, "pid");
  EXPECT_TRUE(is_alive(pid));
  ::kill(pid, SIGKILL);
}

TEST_F(ExecTest, EndsTheCommandAndWhatItStartedWhenItIsStopped) {
  Exec source("sleep 1000 & echo $! > pid; echo ready; wait", here());
  ASSERT_TRUE(source.wait_for(1));
  const auto pid = pid_from(source, "pid");

  source.cancel();

  EXPECT_EQ(source.finish().error().code(), Errc::cancelled);
  EXPECT_TRUE(source.run_until([&] { return !is_alive(pid) || state_of(pid) == 'Z'; }));
}

TEST_F(ExecTest, KillsACommandThatDoesNotEndWhenItIsAskedTo) {
  Exec source("trap '' TERM; echo ready; while :; do sleep 1000; done", {});
  ASSERT_TRUE(source.wait_for(1));
  source.cancel();

  source.advance(1999ms);
  EXPECT_FALSE(source.outcome());
  source.advance(1ms);

  EXPECT_EQ(source.finish().error().code(), Errc::cancelled);
}

TEST_F(ExecTest, GivesACommandTimeToEndByItself) {
  Exec source("trap 'echo bye > farewell; exit 1' TERM; echo ready; while :; do sleep 0.01; done",
              here());
  ASSERT_TRUE(source.wait_for(1));

  source.cancel();

  EXPECT_EQ(source.finish().error().code(), Errc::cancelled);
  EXPECT_EQ(read_file(folder_.path("farewell")).value(), "bye\n");
}

TEST_F(ExecTest, StopsAlsoWhileTheEngineIsBehind) {
  Exec source("while :; do echo line; done", {});
  source.hold_events();

  source.cancel();

  EXPECT_EQ(source.finish().error().code(), Errc::cancelled);
}

TEST_F(ExecTest, RefusesSettingsThatContradictEachOther) {
  const auto problem = [](Object settings) { return Exec(std::move(settings)).settings_problem(); };

  EXPECT_EQ(problem({}), "exactly one of command and shell is required");
  EXPECT_EQ(problem({{"command", "ls"}, {"shell", "ls"}}),
            "exactly one of command and shell is required");
  EXPECT_EQ(problem({{"command", Array()}}), "command is empty");
  EXPECT_NE(problem({{"shell", "ls"}, {"format", "yaml"}}).find("format"), std::string::npos);
  EXPECT_NE(
      problem({{"shell", "ls"}, {"environment", {{"A", Array()}}}}).find("A must be a string"),
      std::string::npos);
  EXPECT_NE(problem({{"shell", "ls"}, {"max_line", 0}}).find("max_line"), std::string::npos);
}

}  // namespace
}  // namespace millrace::exec_source
