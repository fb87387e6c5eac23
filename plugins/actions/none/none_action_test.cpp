// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/plugin/testing/action_harness.hpp"

void millrace_describe_none_action(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::none_action {
namespace {

using testing::ActionHarness;

TEST(NoneAction, DoesNothingUnderBothItsNames) {
  for (const char* name : {"none", "noop"}) {
    ActionHarness action(millrace_describe_none_action, name);
    EXPECT_TRUE(action.run());
    EXPECT_EQ(action.take_output(), "");
  }
}

TEST(NoneAction, IgnoresWhatItIsGiven) {
  ActionHarness action(millrace_describe_none_action, "none", {{"anything", 1}});
  EXPECT_TRUE(action.run());
}

}  // namespace
}  // namespace millrace::none_action
