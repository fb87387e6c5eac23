// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>

#include "millrace/event/json.hpp"
#include "millrace/plugin/testing/action_harness.hpp"

void millrace_describe_exec_action(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::exec_action {
namespace {

using namespace std::chrono_literals;
using testing::ActionHarness;

class Exec : public ActionHarness {
 public:
  explicit Exec(Object settings)
      : ActionHarness(millrace_describe_exec_action, "exec", std::move(settings)) {}
};

// The settings of a run whose outcome the test looks at.
Exec told(Array argv, Object more = {}) {
  more["argv"] = std::move(argv);
  more["set_fact"] = true;
  return Exec(std::move(more));
}

std::string output_of(Exec& action) {
  if (auto ended = action.run(); !ended) return "error: " + ended.error().message();
  return std::string(view(action.engine.facts_set.at(0).entry.at("exec").at("stdout").as_string()));
}

Error error_of(Object settings) {
  const auto ended = Exec(std::move(settings)).run();
  EXPECT_FALSE(ended);
  return ended ? Error(Errc::cancelled, "") : ended.error();
}

TEST(ExecAction, PassesArgumentsUnchangedAndNeverThroughAShell) {
  auto action = told({"printf", "<%s>", "a b", "$HOME; `id` *", "", 7});
  EXPECT_EQ(output_of(action), "<a b><$HOME; `id` *><><7>");
}

TEST(ExecAction, RunsACommandLineWithTheShell) {
  Exec action({{"command", "echo one; echo two | tr a-z A-Z"}, {"set_fact", true}});
  EXPECT_EQ(output_of(action), "one\nTWO\n");
}

TEST(ExecAction, PrintsNothingUnlessAsked) {
  Exec action({{"argv", {"echo", "hello"}}});

  EXPECT_TRUE(action.run());

  EXPECT_EQ(action.take_output(), "");
  EXPECT_TRUE(action.engine.facts_set.empty());
  EXPECT_TRUE(action.engine.events_posted.empty());
}

TEST(ExecAction, PrintsTheOutputWithoutWhatWouldDisturbATerminal) {
  Exec action({{"argv", {"printf", "a\\033[2J\\tb\\nc\\n"}}, {"print", true}});

  EXPECT_TRUE(action.run());

  EXPECT_EQ(action.take_output(), action.banner("exec", "a?[2J\tb\nc"));
}

TEST(ExecAction, TellsTheOutcomeAsAFactAndAsAnEvent) {
  Exec action({{"argv", {"sh", "-c", "echo out; echo err >&2"}},
               {"set_fact", true},
               {"post_event", true},
               {"ruleset", "others"}});

  ASSERT_TRUE(action.run());

  const auto expected = parse_json(
      R"({"argv":["sh","-c","echo out; echo err >&2"],"rc":0,"stdout":"out\n","stderr":"err\n","timed_out":false})");
  ASSERT_EQ(action.engine.facts_set.size(), 1u);
  ASSERT_EQ(action.engine.events_posted.size(), 1u);
  EXPECT_NE(action.engine.facts_set[0].entry.at("meta").at("uuid"),
            action.engine.events_posted[0].entry.at("meta").at("uuid"));
  for (const auto& told : {action.engine.facts_set[0], action.engine.events_posted[0]}) {
    EXPECT_EQ(told.rule_set, "others");
    EXPECT_EQ(told.entry.at("exec"), *expected);
    EXPECT_EQ(told.entry.at("meta").at("source"), Value({{"name", "exec"}, {"type", "internal"}}));
  }
}

TEST(ExecAction, MakesTextOfOutputThatIsNone) {
  auto action = told({"printf", "a\\377\\033b"});
  EXPECT_EQ(output_of(action), "a\xEF\xBF\xBD\033b");
}

TEST(ExecAction, GivesTextOrJsonOnStandardInput) {
  auto text = told({"cat"}, {{"stdin", "plain text"}});
  EXPECT_EQ(output_of(text), "plain text");
  auto object = told({"cat"}, {{"stdin", {{"i", 1}, {"s", "x"}}}});
  EXPECT_EQ(output_of(object), R"({"i":1,"s":"x"})");
  auto nothing = told({"cat"});
  EXPECT_EQ(output_of(nothing), "");
}

TEST(ExecAction, SetsTheEnvironmentAndTheDirectory) {
  auto action = told({"sh", "-c", "echo $A $B $C; pwd"},
                     {{"environment", {{"A", "x y"}, {"B", 1}, {"C", true}}}, {"directory", "/"}});
  EXPECT_EQ(output_of(action), "x y 1 true\n/\n");
}

TEST(ExecAction, KeepsNoMoreOutputThanTheLimit) {
  auto action = told({"echo", "1234567890"}, {{"output_limit", 4}});
  EXPECT_EQ(output_of(action), "1234");
}

TEST(ExecAction, FailsWithTheLastWordsOfTheProgram) {
  const auto error =
      error_of({{"argv", {"sh", "-c", "echo first >&2; echo 'no such disk\n' >&2; exit 3"}}});
  EXPECT_EQ(error, Error(Errc::io, "sh ended with code 3: no such disk"));
}

TEST(ExecAction, FailsWithoutWordsWhenThereAreNone) {
  EXPECT_EQ(error_of({{"argv", {"false"}}}), Error(Errc::io, "false ended with code 1"));
  EXPECT_EQ(error_of({{"command", "exit 4"}}), Error(Errc::io, "the command ended with code 4"));
}

TEST(ExecAction, BoundsTheLastWords) {
  const auto error = error_of({{"command", "head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1"}});
  EXPECT_LT(error.message().size(), 300u);
}

TEST(ExecAction, TakesTheGivenExitCodesForSuccess) {
  EXPECT_TRUE(Exec({{"command", "exit 2"}, {"success", {0, 2}}}).run());
  EXPECT_EQ(error_of({{"command", "exit 0"}, {"success", {2}}}).code(), Errc::io);
  EXPECT_EQ(error_of({{"command", "exit 0"}, {"success", {"no"}}}).code(), Errc::invalid_settings);
}

TEST(ExecAction, TellsTheOutcomeOfAFailureToo) {
  Exec action({{"command", "echo out; exit 3"}, {"post_event", true}, {"print", true}});

  EXPECT_EQ(action.run().error().code(), Errc::io);

  ASSERT_EQ(action.engine.events_posted.size(), 1u);
  EXPECT_EQ(action.engine.events_posted[0].entry.at("exec").at("rc"), Value(3));
  EXPECT_EQ(action.take_output(), action.banner("exec", "out"));
}

TEST(ExecAction, EndsAProgramThatTakesTooLong) {
  Exec action({{"argv", {"sleep", "100"}}, {"timeout", 5}, {"set_fact", true}});
  action.start();

  action.advance(5s);

  const auto ended = action.finish();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error(), Error(Errc::timeout, "sleep did not end within 5 seconds"));
  EXPECT_EQ(action.engine.facts_set.at(0).entry.at("exec").at("timed_out"), Value(true));
}

TEST(ExecAction, EndsTheProgramWhenItIsCancelled) {
  Exec action({{"argv", {"sleep", "100"}}, {"set_fact", true}});
  action.start();

  action.cancel();

  EXPECT_EQ(action.finish().error().code(), Errc::cancelled);
  EXPECT_TRUE(action.engine.facts_set.empty());
}

TEST(ExecAction, SaysWhatCouldNotBeStarted) {
  const auto missing = error_of({{"argv", {"no-such-program-here"}}});
  EXPECT_EQ(missing.code(), Errc::not_found);
  EXPECT_NE(missing.message().find("no-such-program-here"), std::string::npos);
  EXPECT_EQ(error_of({{"argv", {"pwd"}}, {"directory", "/no/such/directory"}}).code(),
            Errc::not_found);
}

TEST(ExecAction, FailsWhenThereIsNobodyToTell) {
  EXPECT_EQ(error_of({{"argv", {"true"}}, {"set_fact", true}, {"ruleset", "nowhere"}}),
            Error(Errc::not_found, "Ruleset nowhere not found"));
}

TEST(ExecAction, NeverLogsArguments) {
  Exec action({{"argv", {"sh", "-c", "exit 1", "hunter2"}}});

  EXPECT_EQ(action.run().error().message().find("hunter2"), std::string::npos);

  for (const auto& line : action.log_lines()) EXPECT_EQ(line.find("hunter2"), std::string::npos);
}

TEST(ExecAction, NeedsAProgramOrACommandLineNotBoth) {
  const Error expected(Errc::invalid_settings, "exactly one of argv and command is required");
  EXPECT_EQ(error_of({}), expected);
  EXPECT_EQ(error_of({{"argv", {"true"}}, {"command", "true"}}), expected);
  EXPECT_EQ(error_of({{"argv", Array()}}), Error(Errc::invalid_settings, "argv is empty"));
}

TEST(ExecAction, RefusesWhatIsNoEnvironment) {
  EXPECT_EQ(error_of({{"argv", {"true"}}, {"environment", {{"A", Array()}}}}),
            Error(Errc::invalid_settings, "environment: A must be a string"));
}

TEST(ExecAction, NamesEveryBadSettingAtOnce) {
  EXPECT_EQ(error_of({{"argv", {"true"}}, {"timeout", 0}, {"output_limit", -1}, {"shell", true}})
                .message(),
            "timeout must be at least 0.001; output_limit must be at least 0; "
            "shell is not a known setting");
}

}  // namespace
}  // namespace millrace::exec_action
