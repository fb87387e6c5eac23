// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/plugin/testing/action_harness.hpp"

void millrace_describe_retract_fact_action(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::retract_fact_action {
namespace {

using testing::ActionHarness;
using Retract = EngineServices::Retract;

class RetractFact : public ActionHarness {
 public:
  explicit RetractFact(Object settings)
      : ActionHarness(millrace_describe_retract_fact_action, "retract_fact", std::move(settings)) {}
};

TEST(RetractFactAction, RetractsFromTheRulesOwnRuleSetByTheGivenEntries) {
  RetractFact action({{"fact", {{"i", 1}}}});

  ASSERT_TRUE(action.run());

  ASSERT_EQ(action.engine.retracted.size(), 1u);
  const auto& retracted = action.engine.retracted[0];
  EXPECT_EQ(retracted.rule_set, "rules");
  EXPECT_EQ(retracted.fact, (Object{{"i", 1}}));
  EXPECT_EQ(retracted.how, Retract::partial);
  EXPECT_EQ(action.take_output(), "");
}

TEST(RetractFactAction, ComparesTheWholeFactWhenItIsNotPartial) {
  RetractFact action({{"fact", {{"i", 1}}}, {"ruleset", "others"}, {"partial", false}});

  ASSERT_TRUE(action.run());

  EXPECT_EQ(action.engine.retracted.at(0).rule_set, "others");
  EXPECT_EQ(action.engine.retracted.at(0).how, Retract::whole);
}

TEST(RetractFactAction, FailsWhenThereIsNoSuchRuleSet) {
  EXPECT_EQ(RetractFact({{"fact", Object()}, {"ruleset", "nowhere"}}).run().error(),
            Error(Errc::not_found, "Ruleset nowhere not found"));
}

TEST(RetractFactAction, NeedsAFact) {
  EXPECT_EQ(RetractFact({}).run().error(), Error(Errc::invalid_settings, "fact is required"));
}

}  // namespace
}  // namespace millrace::retract_fact_action
