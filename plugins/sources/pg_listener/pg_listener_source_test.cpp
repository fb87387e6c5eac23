// SPDX-License-Identifier: Apache-2.0
// What needs no server; tests/e2e/pg_listener_test.py has the rest.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "millrace/plugin/testing/source_harness.hpp"
#include "retry_budget.hpp"

void millrace_describe_pg_listener_source(millrace::PluginBuilder&);

namespace millrace::pg_listener {
namespace {

using namespace std::chrono_literals;
using testing::SourceHarness;

class PgListener : public SourceHarness {
 public:
  explicit PgListener(Object settings)
      : SourceHarness(millrace_describe_pg_listener_source, "pg_listener", std::move(settings)) {}

  bool has_logged(std::string_view text) const {
    return std::ranges::any_of(log_lines(), [&](const auto& line) { return line.contains(text); });
  }
};

std::string problem(Object settings) { return PgListener(std::move(settings)).settings_problem(); }

// Nobody listens on port 1.
Object nowhere() {
  return {{"channels", {"a"}},
          {"dsn", "host=127.0.0.1 port=1 password=s3cret sslmode=disable"},
          {"retry_attempts", 2}};
}

TEST(PgListener, SaysWhatItsSettingsLack) {
  EXPECT_EQ(problem({{"dsn", "host=x"}}), "Missing required arguments: channels");
  EXPECT_EQ(problem({{"channels", {"a"}}}),
            "Missing dsn or postgres_params, at least one is required");
  EXPECT_EQ(problem({{"channels", Array()}, {"dsn", "host=x"}}),
            "Channels must be a list and not empty");
  EXPECT_EQ(problem({{"channels", "a"}, {"dsn", "host=x"}}),
            "Channels must be a list and not empty");
  EXPECT_EQ(problem({{"channels", {"a"}}, {"dsn", 5}}), "DSN must be a string");
  EXPECT_EQ(problem({{"channels", {"a"}}, {"postgres_params", "host=x"}}),
            "Postgres params must be a dictionary");
  EXPECT_EQ(problem({{"channels", {""}}, {"dsn", "host=x"}}),
            "Each channel must be a string and not empty");
}

TEST(PgListener, SaysAllAtOnce) {
  EXPECT_EQ(problem({}),
            "Missing required arguments: channels; "
            "Missing dsn or postgres_params, at least one is required");
}

TEST(PgListener, NeverRepeatsADsnThatIsWrong) {
  const auto said = problem({{"channels", {"a"}}, {"dsn", "password=s3 cret"}});
  EXPECT_TRUE(said.starts_with("dsn is not a connection string")) << said;
  EXPECT_FALSE(said.contains("cret"));
}

TEST(PgListener, TriesAsOftenAsItMayAndEnds) {
  PgListener source(nowhere());
  ASSERT_TRUE(source.run_until([&] { return source.log_lines().size() == 1; }));
  EXPECT_TRUE(source.has_logged("PostgreSQL connection failed (")) << source.log_lines()[0];
  EXPECT_TRUE(source.has_logged("), reconnecting in 2 seconds")) << source.log_lines()[0];
  source.advance(2s);
  ASSERT_TRUE(source.run_until([&] { return source.log_lines().size() == 2; }));
  EXPECT_TRUE(source.has_logged("), reconnecting in 4 seconds")) << source.log_lines()[1];
  source.advance(4s);

  const auto ended = source.finish();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Errc::unavailable);
  EXPECT_TRUE(ended.error().message().contains("Connection refused")) << ended.error().message();
  EXPECT_FALSE(ended.error().message().contains("s3cret"));
  EXPECT_FALSE(source.has_logged("s3cret"));
}

TEST(PgListener, StopsWhileItWaits) {
  PgListener source(nowhere());
  ASSERT_TRUE(source.run_until([&] { return !source.log_lines().empty(); }));
  source.cancel();
  EXPECT_EQ(source.finish().error().code(), Errc::cancelled);
}

TEST(PgListener, WaitsAtLeastTwoSeconds) {
  auto settings = nowhere();
  settings["retry_max_timeout"] = 0.5;
  const PgListener source(std::move(settings));
  EXPECT_TRUE(source.has_logged("retry_max_timeout must be at least 2"))
      << source.log_lines().size();
}

TEST(PgRetryBudget, DoublesUpToItsLimit) {
  RetryBudget budget({.attempts = 4, .longest = 10s}, 1);
  for (const auto whole : {2s, 4s, 8s, 10s}) {
    const auto wait = budget.next();
    ASSERT_TRUE(wait);
    EXPECT_LE(*wait, whole);
    EXPECT_GE(*wait, whole * 9 / 10);
  }
  EXPECT_FALSE(budget.next());
  budget.reset();
  EXPECT_LE(*budget.next(), 2s);
}

}  // namespace
}  // namespace millrace::pg_listener
