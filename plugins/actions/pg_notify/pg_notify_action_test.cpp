// SPDX-License-Identifier: Apache-2.0
// What needs no server; tests/e2e/pg_listener_test.py has the rest.
#include <gtest/gtest.h>

#include "millrace/plugin/testing/action_harness.hpp"

void millrace_describe_pg_notify_action(millrace::PluginBuilder&);

namespace millrace::pg_notify {
namespace {

using namespace std::chrono_literals;
using testing::ActionHarness;

class PgNotify : public ActionHarness {
 public:
  explicit PgNotify(Object settings)
      : ActionHarness(millrace_describe_pg_notify_action, "pg_notify", std::move(settings)) {}
};

// Nobody listens on port 1.
constexpr auto* kNowhere = "host=127.0.0.1 port=1 password=s3cret sslmode=disable";

TEST(PgNotify, MustKnowWhereTheServerIs) {
  EXPECT_EQ(
      PgNotify({{"channel", "a"}}).run().error(),
      Error(Errc::invalid_settings, "Missing dsn or postgres_params, at least one is required"));
}

TEST(PgNotify, MustKnowTheChannel) {
  EXPECT_TRUE(PgNotify({{"dsn", kNowhere}}).run().error().message().contains("channel"));
  EXPECT_EQ(PgNotify({{"dsn", kNowhere}, {"channel", ""}}).run().error().message(),
            "channel must be a name");
}

TEST(PgNotify, TriesAsOftenAsItMay) {
  PgNotify action({{"dsn", kNowhere}, {"channel", "a"}, {"retries", 2}});
  action.start();
  for (const std::size_t tries : {1u, 2u}) {
    ASSERT_TRUE(action.run_until([&] { return action.log_lines().size() == tries; }));
    action.advance(1s);
  }
  const auto ended = action.finish();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Errc::unavailable);
  EXPECT_TRUE(ended.error().message().contains("Connection refused")) << ended.error().message();
  EXPECT_FALSE(ended.error().message().contains("s3cret"));
}

TEST(PgNotify, StopsWhileItWaits) {
  PgNotify action({{"dsn", kNowhere}, {"channel", "a"}});
  action.start();
  ASSERT_TRUE(action.run_until([&] { return !action.log_lines().empty(); }));
  action.cancel();
  EXPECT_EQ(action.finish().error().code(), Errc::cancelled);
}

}  // namespace
}  // namespace millrace::pg_notify
