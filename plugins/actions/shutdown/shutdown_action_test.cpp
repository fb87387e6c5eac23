// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/plugin/testing/action_harness.hpp"

void millrace_describe_shutdown_action(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::shutdown_action {
namespace {

using namespace std::chrono_literals;
using testing::ActionHarness;
using Kind = ShutdownRequest::Kind;

class Shutdown : public ActionHarness {
 public:
  explicit Shutdown(Object settings = {})
      : ActionHarness(millrace_describe_shutdown_action, "shutdown", std::move(settings)) {}
};

TEST(ShutdownAction, AsksForAGracefulEndByDefault) {
  Shutdown action;
  action.engine.shutdown_delay = 12500ms;

  ASSERT_TRUE(action.run());

  ASSERT_EQ(action.engine.shutdowns.size(), 1u);
  const auto& request = action.engine.shutdowns[0];
  EXPECT_EQ(request.kind, Kind::graceful);
  EXPECT_EQ(request.delay, 12500ms);
  EXPECT_EQ(request.message, "Default shutdown message");
  EXPECT_EQ(request.rule_set, "rules");
  EXPECT_EQ(request.rule, "rule");
  EXPECT_EQ(action.take_output(),
            action.banner("ruleset",
                          "rules rule: rule has initiated shutdown of type: graceful. "
                          "Delay: 12.500 seconds, Message: Default shutdown message"));
}

TEST(ShutdownAction, PassesOnWhatItIsGiven) {
  Shutdown action({{"delay", 0.25}, {"message", "Enough"}, {"kind", "now"}});

  ASSERT_TRUE(action.run());

  const auto& request = action.engine.shutdowns.at(0);
  EXPECT_EQ(request.kind, Kind::now);
  EXPECT_EQ(request.delay, 250ms);
  EXPECT_EQ(request.message, "Enough");
  EXPECT_EQ(action.take_output(),
            action.banner("ruleset",
                          "rules rule: rule has initiated shutdown of type: now. "
                          "Delay: 0.250 seconds, Message: Enough"));
}

TEST(ShutdownAction, ShutsDownAlsoWhenNobodyReadsOfIt) {
  Shutdown action;
  action.close_output();

  EXPECT_EQ(action.run().error().code(), Errc::unavailable);
  EXPECT_EQ(action.engine.shutdowns.size(), 1u);
}

TEST(ShutdownAction, NamesEveryBadSettingAtOnce) {
  EXPECT_EQ(Shutdown({{"delay", -1}, {"kind", "soon"}}).run().error().message(),
            "delay must be at least 0; kind must be one of graceful, now, not `soon`");
}

}  // namespace
}  // namespace millrace::shutdown_action
