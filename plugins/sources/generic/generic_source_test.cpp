// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "millrace/base/files.hpp"
#include "millrace/plugin/testing/source_harness.hpp"

void millrace_describe_generic_source(millrace::PluginBuilder&);

namespace millrace::generic {
namespace {

using namespace std::chrono_literals;
using testing::SourceHarness;

class GenericSource : public SourceHarness {
 public:
  explicit GenericSource(Object settings)
      : SourceHarness(millrace_describe_generic_source, "generic", std::move(settings)) {}

  std::string texts() const {
    std::string all;
    for (const auto& event : events()) all += boost::json::serialize(event) + ' ';
    return all.substr(0, all.size() - (all.empty() ? 0 : 1));
  }
};

Array letters() { return {{{"l", "a"}}, {{"l", "b"}}, {{"l", "c"}}}; }

std::string write_file(const std::string& name, const std::string& content) {
  const auto path =
      std::filesystem::path(::testing::TempDir()) / (name + std::to_string(::getpid()));
  std::ofstream(path) << content;
  return path.string();
}

TEST(GenericSource, SendsThePayloadAndEnds) {
  GenericSource source({{"payload", letters()}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"l":"a"} {"l":"b"} {"l":"c"})");
  EXPECT_EQ(source.batches(), 1U);
}

TEST(GenericSource, TakesASingleObjectForAListOfOne) {
  GenericSource source({{"payload", {{"a", 1}}}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"a":1})");
}

TEST(GenericSource, SkipsEntriesThatPythonTakesForFalse) {
  GenericSource source(
      {{"payload", Array{nullptr, 0, 0.0, false, "", Array{}, Object{}, {{"a", 1}}}}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"a":1})");
}

TEST(GenericSource, TakesAListOfPairsForAnObject) {
  GenericSource source({{"payload", boost::json::parse(R"([[["a", 1], ["b", 2]]])")}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"a":1,"b":2})");
}

TEST(GenericSource, FailsAtAnEntryThatIsNoObject) {
  GenericSource source({{"payload", Array{{{"a", 1}}, "text"}}});

  const auto outcome = source.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message(), "payload entries must be objects, not str: 'text'");
}

TEST(GenericSource, AddsIndexBlobAndTimeInThisOrderBeforeTheEntrysKeysWhichWin) {
  GenericSource source({{"payload", Array{{{"z", 1}, {"blob", "own"}}, {{"z", 2}}}},
                        {"create_index", "n"},
                        {"blob_size", 3},
                        {"timestamp", true},
                        {"time_format", "epoch"}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"n":0,"blob":"own","timestamp":1700000000,"z":1} )"
                            R"({"n":1,"blob":"xxx","timestamp":1700000000,"z":2})");
}

TEST(GenericSource, WritesTimesAsPythonDoes) {
  const Object settings{{"payload", {{"a", 1}}}, {"timestamp", true}};
  GenericSource local(settings);
  ASSERT_TRUE(local.finish());
  const auto expected = to_local_text(ManualClock().wall());
  EXPECT_EQ(local.events().front().at("timestamp"), Value(expected));

  auto with_format = settings;
  with_format["time_format"] = "iso8601";
  GenericSource iso(with_format);
  ASSERT_TRUE(iso.finish());
  auto iso_expected = expected;
  iso_expected[10] = 'T';
  EXPECT_EQ(iso.events().front().at("timestamp"), Value(iso_expected));
}

TEST(GenericSource, RefusesAnUnknownTimeFormatOnlyWhenTimesAreWanted) {
  const Object settings{{"payload", letters()}, {"time_format", "roman"}};
  EXPECT_EQ(GenericSource(settings).settings_problem(), "");

  auto timed = settings;
  timed["timestamp"] = true;
  EXPECT_EQ(GenericSource(timed).settings_problem(),
            "time_format must be one of local, iso8601, epoch");
}

TEST(GenericSource, DelaysLoopsAndRepeatsInTheirOrder) {
  GenericSource source({{"payload", Array{{{"l", "a"}}, {{"l", "b"}}}},
                        {"create_index", "n"},
                        {"startup_delay", 1000},
                        {"repeat_count", 2},
                        {"repeat_delay", 1},
                        {"event_delay", 10},
                        {"loop_count", 2},
                        {"loop_delay", 100},
                        {"final_payload", {{"l", "end"}}},
                        {"shutdown_after", 10'000}});
  EXPECT_EQ(source.events().size(), 0U);
  source.advance(1000s);
  EXPECT_EQ(source.texts(), R"({"n":0,"l":"a"})");
  source.advance(1s);
  EXPECT_EQ(source.events().size(), 2U);
  source.advance(10s);
  EXPECT_EQ(source.events().size(), 2U);  // repeat_delay also after the last repetition
  source.advance(1s);
  EXPECT_EQ(source.events().size(), 3U);
  source.advance(12s);
  EXPECT_EQ(source.events().size(), 4U);  // the first loop is over
  source.advance(99s);
  EXPECT_EQ(source.events().size(), 4U);
  source.advance(1s);
  EXPECT_EQ(source.events().size(), 5U);
  source.advance(24s);
  EXPECT_EQ(source.events().size(), 9U);
  EXPECT_EQ(source.events().back(), (Value{{"n", 8}, {"l", "end"}}));
  EXPECT_FALSE(source.outcome());
  source.advance(10'000s);
  ASSERT_TRUE(source.outcome());
  EXPECT_TRUE(*source.outcome());
}

TEST(GenericSource, SendsTheFinalPayloadAlsoWithoutLoops) {
  GenericSource source(
      {{"payload", letters()}, {"loop_count", 0}, {"final_payload", {{"l", "end"}}}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"l":"end"})");
}

TEST(GenericSource, LoopsForEverUntilItIsStopped) {
  GenericSource source({{"payload", letters()}, {"loop_count", -1}, {"event_delay", 1}});

  source.advance(99s);
  EXPECT_EQ(source.events().size(), 100U);
  source.cancel();
  ASSERT_TRUE(source.outcome());
  EXPECT_EQ(source.outcome()->error().code(), Errc::cancelled);
}

TEST(GenericSource, WaitsWhenThereIsNothingToSendForEver) {
  GenericSource source({{"payload", Array{}}, {"loop_count", -1}});

  source.advance(24h);
  EXPECT_FALSE(source.outcome());
}

TEST(GenericSource, ShufflesInTheSameWayFromTheSameSeed) {
  Array payload;
  for (int i = 0; i < 20; ++i) payload.emplace_back(Object{{"i", i}});
  const Object settings{{"payload", payload}, {"randomize", true}, {"seed", 1}};
  GenericSource plain({{"payload", payload}});
  GenericSource first(settings);
  GenericSource second(settings);
  ASSERT_TRUE(plain.finish());
  ASSERT_TRUE(first.finish());
  ASSERT_TRUE(second.finish());

  EXPECT_EQ(first.texts(), second.texts());
  EXPECT_NE(first.texts(), plain.texts());
  auto sorted = first.events();
  std::ranges::sort(sorted, {}, [](const Value& event) { return event.at("i").as_int64(); });
  EXPECT_EQ(sorted, plain.events());
}

TEST(GenericSource, ReadsThePayloadFromAFile) {
  const auto path = write_file("payload", "- l: a\n- l: 2\n");
  GenericSource source({{"payload", letters()}, {"payload_file", path}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.texts(), R"({"l":"a"} {"l":2})");
}

TEST(GenericSource, SaysWhatIsWrongWithThePayloadFile) {
  GenericSource missing({{"payload_file", "/nowhere/at/all.yml"}});
  ASSERT_FALSE(missing.finish());
  EXPECT_EQ(missing.finish().error().message(), "File /nowhere/at/all.yml not found");

  const auto path = write_file("broken", "a: 1\nb: [1\n");
  GenericSource broken({{"payload_file", path}});
  ASSERT_FALSE(broken.finish());
  EXPECT_TRUE(broken.finish().error().message().starts_with(path + ":"))
      << broken.finish().error().message();
}

TEST(GenericSource, NeedsAPayload) {
  EXPECT_EQ(GenericSource(Object{}).settings_problem(), "payload or payload_file is required");
}

TEST(GenericSource, IgnoresSettingsThatItDoesNotKnow) {
  GenericSource source({{"payload", letters()}, {"colour", "red"}});

  EXPECT_EQ(source.settings_problem(), "");
}

TEST(GenericSource, ChecksTheEnvironment) {
  ::setenv("MILLRACE_GENERIC_TEST", "b", 1);
  const auto run = [](Object wanted) {
    GenericSource source({{"payload", letters()}, {"check_env_vars", std::move(wanted)}});
    const auto outcome = source.finish();
    return outcome ? std::string() : outcome.error().message();
  };

  EXPECT_EQ(run({{"MILLRACE_GENERIC_TEST", "b"}}), "");
  EXPECT_EQ(run({{"MILLRACE_GENERIC_TEST", "a"}}),
            "Env Var MILLRACE_GENERIC_TEST expected: a passed in: b");
  EXPECT_EQ(run({{"MILLRACE_NOT_THERE", "a"}}), "Env Var MILLRACE_NOT_THERE is required");
}

TEST(GenericSource, DisplaysEventsAsPythonWould) {
  ::testing::internal::CaptureStdout();
  GenericSource source({{"payload", Array{{{"ok", true}, {"n", nullptr}}}}, {"display", true}});
  ASSERT_TRUE(source.finish());

  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "{'ok': True, 'n': None}\n");
}

TEST(GenericSource, BatchesNoMoreThanTheEngineLikes) {
  GenericSource source({{"payload", letters()}, {"loop_count", 1000}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.events().size(), 3000U);
  EXPECT_EQ(source.batches(), 12U);
}

}  // namespace
}  // namespace millrace::generic
