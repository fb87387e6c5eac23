// SPDX-License-Identifier: Apache-2.0
#include "run_options.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace millrace::cli {
namespace {

using Variables = std::map<std::string, std::string>;

Environment environment(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

GivenOption given(const std::string& name, std::string value = {}) {
  for (const auto& option : run_options()) {
    if (std::ranges::find(option.names, name) != option.names.end())
      return {&option, std::move(value)};
  }
  ADD_FAILURE() << "no option is called " << name;
  return {&run_options().front(), ""};
}

Result<RunRequest> resolved(const std::vector<GivenOption>& options, Variables variables = {}) {
  return resolve(options, environment(std::move(variables)));
}

TEST(RunOptions, AreNamedOnce) {
  std::set<std::string> names;
  std::set<char> letters;
  for (const auto& option : run_options()) {
    for (const auto& name : option.names) EXPECT_TRUE(names.insert(name).second) << name;
    if (option.letter != 0) {
      EXPECT_TRUE(letters.insert(option.letter).second) << option.letter;
    }
    EXPECT_FALSE(option.meaning.empty()) << option.name();
  }
}

TEST(RunOptions, HaveTheDefaultsOfTheOriginal) {
  const auto request = resolved({});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->options.shutdown_delay, std::chrono::seconds(60));
  EXPECT_EQ(request->options.concurrent_actions, 25u);
  EXPECT_FALSE(request->options.execution_strategy);
  EXPECT_FALSE(request->options.print_events);
  EXPECT_TRUE(request->options.warnings.empty());
}

TEST(RunOptions, ReachTheEngine) {
  const auto request =
      resolved({given("rulebook", "a.yml"), given("rulebook", "b.yml"), given("vars", "v.yml"),
                given("env-vars", "A, B,,C"), given("inventory", "hosts"), given("print-events"),
                given("shutdown-delay", "2.5"), given("execution-strategy", "parallel"),
                given("max-concurrent-actions", "3"), given("verbose"), given("verbose"),
                given("log-format", "json"), given("stats", "s.json"), given("quiet"),
                given("no-progress")});
  ASSERT_TRUE(request) << request.error().message();
  const auto& options = request->options;
  EXPECT_EQ(options.rulebooks, (std::vector<std::string>{"a.yml", "b.yml"}));
  EXPECT_EQ(options.variables_file, "v.yml");
  EXPECT_EQ(options.environment_variables, (std::vector<std::string>{"A", "B", "C"}));
  EXPECT_EQ(options.inventory, "hosts");
  EXPECT_TRUE(options.print_events);
  EXPECT_EQ(options.shutdown_delay, std::chrono::milliseconds(2500));
  EXPECT_EQ(options.execution_strategy, rules::ExecutionStrategy::parallel);
  EXPECT_EQ(options.concurrent_actions, 3u);
  EXPECT_EQ(request->verbosity, 2);
  EXPECT_EQ(options.log.format, LogFormat::json);
  EXPECT_EQ(options.stats_file, "s.json");
  EXPECT_EQ(options.summary, daemon::RunOptions::Summary::none);
  EXPECT_EQ(options.progress, daemon::RunOptions::Progress::none);
  EXPECT_TRUE(options.warnings.empty());
}

TEST(RunOptions, SayWhereToRecord) {
  const auto request = resolved({});
  EXPECT_EQ(request->options.record.file, "");
  EXPECT_EQ(request->options.record.most_bytes, 1U << 30);
  EXPECT_EQ(request->options.record.keep, 3U);
  const auto said = resolved(
      {given("record", "r.zst"), given("record-max-size", "5MiB"), given("record-keep", "0")});
  ASSERT_TRUE(said) << said.error().message();
  EXPECT_EQ(said->options.record.file, "r.zst");
  EXPECT_EQ(said->options.record.most_bytes, 5U << 20);
  EXPECT_EQ(said->options.record.keep, 0U);
  const auto bytes = [](const std::string& text) -> std::uint64_t {
    const auto one = resolved({given("record-max-size", text)});
    return one ? one->options.record.most_bytes : 0;
  };
  EXPECT_EQ(bytes("100"), 100U);
  EXPECT_EQ(bytes("2K"), 2048U);
  EXPECT_EQ(bytes("1T"), std::uint64_t{1} << 40);
  for (const auto* wrong : {"", "0", "-1", "K", "1X", "1KB", "1Gi", "1.5G", "99999999999G"})
    EXPECT_EQ(bytes(wrong), 0U) << wrong;
}

TEST(RunOptions, TakeDefaultsFromTheEnvironment) {
  const auto request = resolved({}, {{"EDA_PRINT_EVENTS", "true"},
                                     {"EDA_SHUTDOWN_DELAY", "7"},
                                     {"EDA_EXECUTION_STRATEGY", "parallel"},
                                     {"EDA_MAX_CONCURRENT_ACTIONS", "4"},
                                     {"ANSIBLE_INVENTORY", "inventory.yml"},
                                     {"EDA_CONTROLLER_URL", "https://controller"}});
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->options.print_events);
  EXPECT_EQ(request->options.shutdown_delay, std::chrono::seconds(7));
  EXPECT_EQ(request->options.execution_strategy, rules::ExecutionStrategy::parallel);
  EXPECT_EQ(request->options.concurrent_actions, 4u);
  EXPECT_EQ(request->options.inventory, "inventory.yml");
  EXPECT_EQ(request->options.controller.url, "https://controller");
  EXPECT_TRUE(request->options.warnings.empty()) << "nobody asked on the command line";
}

TEST(RunOptions, OnTheCommandLineComeBeforeTheEnvironment) {
  const auto request = resolved({given("shutdown-delay", "1")}, {{"EDA_SHUTDOWN_DELAY", "junk"}});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->options.shutdown_delay, std::chrono::seconds(1));
}

TEST(RunOptions, FlagsOfTheEnvironmentCanBeOff) {
  EXPECT_FALSE(resolved({}, {{"EDA_PRINT_EVENTS", "false"}})->options.print_events);
  EXPECT_FALSE(resolved({}, {{"EDA_PRINT_EVENTS", ""}})->options.print_events);
}

TEST(RunOptions, RefuseWrongValuesByName) {
  EXPECT_EQ(resolved({given("shutdown-delay", "soon")}).error().message(),
            "option --shutdown-delay: `soon` is not a number of seconds");
  EXPECT_EQ(resolved({given("shutdown-delay", "-1")}).error().code(), Errc::invalid_settings);
  EXPECT_EQ(resolved({given("max-concurrent-actions", "2x")}).error().message(),
            "option --max-concurrent-actions: `2x` is not a whole number");
  EXPECT_EQ(resolved({given("execution-strategy", "random")}).error().code(),
            Errc::invalid_settings);
  EXPECT_EQ(resolved({given("log-format", "xml")}).error().code(), Errc::invalid_settings);
  EXPECT_EQ(resolved({}, {{"EDA_SHUTDOWN_DELAY", "soon"}}).error().message(),
            "environment variable EDA_SHUTDOWN_DELAY: `soon` is not a number of seconds");
}

TEST(RunOptions, ZeroConcurrentActionsAreTheDefault) {
  EXPECT_EQ(resolved({given("max-concurrent-actions", "0")})->options.concurrent_actions, 25u);
}

TEST(RunOptions, DescribeTheController) {
  const auto request = resolved(
      {given("controller-token", "t"), given("controller-ssl-verify", "/ca.pem"),
       given("controller-retry-max-timeout", "2.5"), given("controller-retry-attempts", "0")},
      {{"EDA_MAX_BATCH_JOB_POLLING_SIZE", "3"},
       {"EDA_JOB_TEMPLATE_REFRESH_DELAY", "0.5"},
       {"EDA_CONTROLLER_CONNECTION_LIMIT", "4"},
       {"EDA_LABELS", R"(["one","two"])"}});
  ASSERT_TRUE(request);
  const auto& options = request->options.controller;
  EXPECT_EQ(options.token, "t");
  EXPECT_EQ(options.ssl_verify, "/ca.pem");
  EXPECT_EQ(options.longest_pause, std::chrono::milliseconds(2500));
  EXPECT_EQ(options.attempts, 1u);
  EXPECT_EQ(options.poll_batch, 3u);
  EXPECT_EQ(options.poll_delay, std::chrono::milliseconds(500));
  EXPECT_EQ(options.connections, 4u);
  EXPECT_EQ(options.labels, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(resolved({given("controller-labels", "one")}).error().message(),
            "option --controller-labels: `one` is no JSON list of texts");
}

TEST(RunOptions, WithoutMeaningAreTakenInSilence) {
  const auto request = resolved({given("gc-after", "10")});
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->options.warnings.empty());
}

}  // namespace
}  // namespace millrace::cli
