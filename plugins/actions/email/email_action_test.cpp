// SPDX-License-Identifier: Apache-2.0
// What needs no server; tests/e2e/email_test.py has the rest.
#include <gtest/gtest.h>

#include "millrace/plugin/testing/action_harness.hpp"

void millrace_describe_email_action(millrace::PluginBuilder&);

namespace millrace::email {
namespace {

using namespace std::chrono_literals;
using testing::ActionHarness;

class Email : public ActionHarness {
 public:
  explicit Email(Object settings)
      : ActionHarness(millrace_describe_email_action, "email", with_rest(std::move(settings))) {}

 private:
  // Nobody listens on port 1.
  static Object with_rest(Object settings) {
    settings.insert({{"host", "127.0.0.1"}, {"port", 1}, {"tls", "none"}, {"from", "a@x"}});
    return settings;
  }
};

std::string problem(Object settings) {
  const auto ended = Email(std::move(settings)).run();
  return ended ? "none" : ended.error().message();
}

TEST(Email, IsForSomebody) {
  EXPECT_EQ(problem({}), "one of to, cc and bcc is required");
  EXPECT_EQ(problem({{"to", {"a@x, b@x"}}}), "to: not an address: a@x, b@x");
  EXPECT_TRUE(problem({{"bcc", "a@x\r\nDATA"}}).starts_with("bcc: not an address: a@x"));
}

TEST(Email, TakesUserAndPasswordTogether) {
  EXPECT_EQ(problem({{"to", "a@x"}, {"username", "u"}}), "username and password belong together");
}

TEST(Email, IsTriedAgain) {
  Email action({{"to", "a@x"}, {"retries", 1}, {"username", "u"}, {"password", "s3cret"}});
  action.start();
  ASSERT_TRUE(action.run_until([&] { return !action.log_lines().empty(); }));
  EXPECT_TRUE(action.log_lines()[0].contains("trying again")) << action.log_lines()[0];
  action.advance(3s);
  const auto ended = action.finish();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Errc::unavailable);
  EXPECT_FALSE(ended.error().message().contains("s3cret"));
}

TEST(Email, StopsWhileItWaits) {
  Email action({{"to", "a@x"}});
  action.start();
  ASSERT_TRUE(action.run_until([&] { return !action.log_lines().empty(); }));
  action.cancel();
  EXPECT_EQ(action.finish().error().code(), Errc::cancelled);
}

}  // namespace
}  // namespace millrace::email
