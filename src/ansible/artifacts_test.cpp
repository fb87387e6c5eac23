// SPDX-License-Identifier: Apache-2.0
#include "artifacts.hpp"

#include <gtest/gtest.h>

#include "millrace/event/json.hpp"

namespace millrace::ansible {
namespace {

Object event(std::string_view json) { return parse_json(json)->as_object(); }

TEST(Artifacts, AreTheFactsOfSetFactAndTheDataOfSetStats) {
  const auto facts = artifacts_of(event(
      R"({"event":"runner_on_ok","event_data":{"task_action":"ansible.builtin.set_fact","cacheable":true,
          "res":{"ansible_facts":{"a":1}}}})"));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->data, Object({{"a", 1}}));
  EXPECT_TRUE(facts->cacheable);
  const auto stats = artifacts_of(event(
      R"({"event":"runner_on_ok","event_data":{"task_action":"set_stats",
          "res":{"ansible_stats":{"data":{"b":2}}}}})"));
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->data, Object({{"b", 2}}));
}

TEST(Artifacts, AreNotWhatOtherTasksAnswer) {
  for (
      const auto* json :
      {R"({"event":"runner_on_ok","event_data":{"task_action":"setup","res":{"ansible_facts":{}}}})",
       R"({"event":"runner_on_failed","event_data":{"task_action":"set_fact","res":{"ansible_facts":{}}}})",
       R"({"event":"runner_on_ok","event_data":{"task_action":"set_fact","res":{"ansible_facts":1}}})",
       R"({"event":"runner_on_ok","event_data":{"task_action":"set_fact","res":[]}})",
       R"({"event":"runner_on_ok","event_data":7})", R"({"event":7})", R"({})"})
    EXPECT_FALSE(artifacts_of(event(json))) << json;
}

TEST(Artifacts, TellWhyAPlaybookFailed) {
  EXPECT_EQ(
      reason_of(event(
          R"({"event":"runner_on_failed","event_data":{"host":"h","task":"t","res":{"msg":"why"}}})")),
      "h: t: why");
  EXPECT_EQ(
      reason_of(event(R"({"event":"runner_on_unreachable","event_data":{"host":"h","task":"t"}})")),
      "h: t: failed");
  EXPECT_EQ(
      reason_of(event(
          R"({"event":"runner_on_failed","event_data":{"host":"h","ignore_errors":true,"res":{}}})")),
      "");
  EXPECT_EQ(reason_of(event(R"({"event":"runner_on_ok","event_data":{"res":{"msg":"fine"}}})")),
            "");
}

}  // namespace
}  // namespace millrace::ansible
