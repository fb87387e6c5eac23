// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "millrace/event/json.hpp"
#include "millrace/plugin/testing/action_harness.hpp"

void millrace_describe_post_event_action(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::post_event_action {
namespace {

using testing::ActionHarness;

TEST(PostEventAction, AddsItToTheRulesOwnRuleSetAndTellsWhereItComesFrom) {
  ActionHarness action(millrace_describe_post_event_action, "post_event", {{"event", {{"i", 1}}}});

  ASSERT_TRUE(action.run());

  ASSERT_EQ(action.engine.events_posted.size(), 1u);
  const auto& [rule_set, entry] = action.engine.events_posted[0];
  EXPECT_EQ(rule_set, "rules");
  EXPECT_EQ(entry.at("i"), Value(1));
  const auto& meta = entry.at("meta").as_object();
  EXPECT_EQ(meta.at("source"), Value({{"name", "post_event"}, {"type", "internal"}}));
  EXPECT_EQ(meta.at("received_at"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(meta.at("uuid").as_string().size(), 36u);
  EXPECT_EQ(action.take_output(), "");
}

TEST(PostEventAction, GivesEachItsOwnUuid) {
  ActionHarness action(millrace_describe_post_event_action, "post_event", {{"event", {{"i", 1}}}});

  for (int i = 0; i < 3; ++i) EXPECT_TRUE(action.run());

  std::set<std::string> uuids;
  for (const auto& added : action.engine.events_posted) {
    uuids.emplace(view(added.entry.at("meta").at("uuid").as_string()));
  }
  EXPECT_EQ(uuids.size(), 3u);
}

TEST(PostEventAction, KeepsTheMetaThatIsThere) {
  ActionHarness action(
      millrace_describe_post_event_action, "post_event",
      {{"event", {{"meta", {{"uuid", "mine"}, {"hosts", "h"}, {"source", {{"name", "n"}}}}}}}});

  ASSERT_TRUE(action.run());

  const auto& meta = action.engine.events_posted.at(0).entry.at("meta");
  EXPECT_EQ(meta.at("uuid"), "mine");
  EXPECT_EQ(meta.at("hosts"), "h");
  EXPECT_EQ(meta.at("source"), Value({{"name", "n"}, {"type", "internal"}}));
}

TEST(PostEventAction, RefusesAMetaThatIsNoObject) {
  ActionHarness action(millrace_describe_post_event_action, "post_event",
                       {{"event", {{"meta", "m"}}}});

  EXPECT_EQ(action.run().error().code(), Errc::invalid_event);
  EXPECT_TRUE(action.engine.events_posted.empty());
}

TEST(PostEventAction, AddsItToTheGivenRuleSet) {
  ActionHarness action(millrace_describe_post_event_action, "post_event",
                       {{"event", Object()}, {"ruleset", "others"}});

  ASSERT_TRUE(action.run());

  EXPECT_EQ(action.engine.events_posted.at(0).rule_set, "others");
}

TEST(PostEventAction, FailsWhenThereIsNoSuchRuleSet) {
  ActionHarness action(millrace_describe_post_event_action, "post_event",
                       {{"event", Object()}, {"ruleset", "nowhere"}});

  EXPECT_EQ(action.run().error(), Error(Errc::not_found, "Ruleset nowhere not found"));
}

TEST(PostEventAction, NamesEveryBadSettingAtOnce) {
  ActionHarness action(millrace_describe_post_event_action, "post_event",
                       {{"events", Object()}, {"ruleset", Array()}});

  EXPECT_EQ(action.run().error().message(),
            "event is required; ruleset must be a string, not a list; "
            "events is not a known setting (did you mean `event`?)");
}

}  // namespace
}  // namespace millrace::post_event_action
