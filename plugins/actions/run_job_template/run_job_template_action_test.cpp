// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "millrace/event/json.hpp"
#include "millrace/plugin/job_controller.hpp"
#include "millrace/plugin/testing/action_harness.hpp"

void millrace_describe_run_job_template_action(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::run_job_template_action {
namespace {

using namespace std::chrono_literals;
using testing::ActionHarness;

// Notes what is launched; the jobs end as it is told, the last of them for ever.
class FakeController final : public JobController {
 public:
  Task<Result<ControllerJob>> launch(JobOrder order) override {
    orders.push_back(std::move(order));
    if (refusal) co_return *refusal;
    co_return ControllerJob{.id = static_cast<std::int64_t>(orders.size()),
                            .status = "pending",
                            .created = "2026-11-21T10:00:00Z",
                            .page = "https://c/#/jobs/1/details"};
  }
  Task<Result<ControllerJob>> wait(ControllerJob job) override {
    job.status = endings.front();
    if (endings.size() > 1) endings.pop_front();
    job.artifacts = artifacts;
    co_return job;
  }

  std::vector<JobOrder> orders;
  std::deque<std::string> endings = {"successful"};
  Object artifacts;
  std::optional<Error> refusal;
};

class RunJobTemplate : public ActionHarness {
 public:
  explicit RunJobTemplate(Object settings = {})
      : ActionHarness(millrace_describe_run_job_template_action, "run_job_template",
                      with_names(std::move(settings))) {
    engine.controller = &controller;
    hosts = {"all"};
  }

  std::string arguments() const {
    return controller.orders.empty() ? "none" : to_json(Value(controller.orders.front().arguments));
  }
  bool logged(std::string_view line) const {
    return std::ranges::find(log_lines(), line) != log_lines().end();
  }

  FakeController controller;

 private:
  static Object with_names(Object settings) {
    settings["name"] = "deploy";
    settings["organization"] = "Default";
    return settings;
  }
};

TEST(RunJobTemplate, GivesTheEventAndTheHosts) {
  RunJobTemplate action({{"job_args", {{"extra_vars", {{"x", 1}}}, {"verbosity", 2}}}});
  action.hosts = {"a", "b"};
  action.bind("m", R"({"i":1})");
  ASSERT_TRUE(action.run());
  EXPECT_EQ(action.controller.orders.at(0).kind, JobKind::job);
  EXPECT_EQ(action.controller.orders.at(0).name, "deploy");
  EXPECT_EQ(action.controller.orders.at(0).organization, "Default");
  EXPECT_EQ(action.arguments(),
            R"({"extra_vars":{"x":1,"ansible_eda":{"ruleset":"rules","rule":"rule",)"
            R"("event":{"i":1}}},"verbosity":2,"limit":"a,b"})");
}

TEST(RunJobTemplate, NamesTheEventsOfALargerMatch) {
  RunJobTemplate action;
  action.bind("m_0", R"({"i":1,"meta":{"hosts":"a"}})");
  action.bind("m_1", R"({"i":2,"meta":{"hosts":["b","c"]}})");
  ASSERT_TRUE(action.run());
  const auto& arguments = action.controller.orders.at(0).arguments;
  EXPECT_EQ(to_json(arguments.at("limit")), R"("a,b,c")");
  EXPECT_TRUE(
      arguments.at("extra_vars").at("ansible_eda").at("events").as_object().contains("m_1"));
}

TEST(RunJobTemplate, LeavesEventsOutIfAsked) {
  RunJobTemplate action({{"include_events", false}});
  action.bind("m", R"({"i":1})");
  ASSERT_TRUE(action.run());
  EXPECT_EQ(action.arguments(), R"({"limit":"all"})");
}

TEST(RunJobTemplate, TakesTheLimitOfTheArguments) {
  RunJobTemplate text({{"include_events", false}, {"job_args", {{"limit", "x"}}}});
  text.bind("m", R"({"meta":{"hosts":"a"}})");
  ASSERT_TRUE(text.run());
  EXPECT_EQ(text.arguments(), R"({"limit":"x"})");
  RunJobTemplate list({{"include_events", false}, {"job_args", {{"limit", {"x", "y"}}}}});
  ASSERT_TRUE(list.run());
  EXPECT_EQ(list.arguments(), R"({"limit":"x,y"})");
  RunJobTemplate wrong({{"job_args", {{"limit", 7}}}});
  EXPECT_EQ(wrong.run().error().code(), Errc::invalid_settings);
}

TEST(RunJobTemplate, RefusesVariablesThatAreNoMapping) {
  RunJobTemplate action({{"job_args", {{"extra_vars", "x: 1"}}}});
  EXPECT_EQ(action.run().error().code(), Errc::invalid_settings);
  EXPECT_TRUE(action.controller.orders.empty());
}

TEST(RunJobTemplate, HandsOnAPartOfTheEvent) {
  RunJobTemplate action({{"var_root", "payload"}});
  action.bind("m", R"({"payload":{"x":1}})");
  ASSERT_TRUE(action.run());
  EXPECT_EQ(
      to_json(
          action.controller.orders.at(0).arguments.at("extra_vars").at("ansible_eda").at("event")),
      R"({"x":1})");
}

TEST(RunJobTemplate, LabelsTheJob) {
  RunJobTemplate action({{"labels", {"one"}}, {"add_event_uuid_label", true}});
  action.bind("m_0", R"({"meta":{"uuid":"u0"}})");
  action.bind("m_1", R"({"meta":{"uuid":"u1"}})");
  ASSERT_TRUE(action.run());
  EXPECT_EQ(action.controller.orders.at(0).labels,
            (std::vector<std::string>{"one", "eda-event-uuid-u0", "eda-event-uuid-u1"}));
}

TEST(RunJobTemplate, GivesArtifactsBack) {
  RunJobTemplate action({{"set_facts", true}, {"post_events", true}, {"ruleset", "others"}});
  action.controller.artifacts = {{"n", 1}};
  action.engine.prints_events = true;
  ASSERT_TRUE(action.run());
  ASSERT_EQ(action.engine.facts_set.size(), 1u);
  ASSERT_EQ(action.engine.events_posted.size(), 1u);
  EXPECT_EQ(action.engine.facts_set[0].rule_set, "others");
  EXPECT_EQ(to_json(action.engine.facts_set[0].entry.at("n")), "1");
  EXPECT_EQ(action.engine.facts_set[0].entry.at("meta").at("source"),
            Value({{"name", "run_job_template"}, {"type", "internal"}}));
  EXPECT_TRUE(action.take_output().contains("[job: set-facts]"));
}

TEST(RunJobTemplate, GivesNothingBackWhereThereIsNothing) {
  RunJobTemplate action({{"set_facts", true}});
  ASSERT_TRUE(action.run());
  EXPECT_TRUE(action.engine.facts_set.empty());
}

TEST(RunJobTemplate, RunsAFailedJobAgain) {
  RunJobTemplate action({{"retries", 3}, {"delay", 10}});
  action.controller.endings = {"failed", "failed", "successful"};
  action.start();
  EXPECT_EQ(action.controller.orders.size(), 1u);
  action.advance(10s);
  EXPECT_EQ(action.controller.orders.size(), 2u);
  EXPECT_TRUE(action.logged(
      "warning action.run_job_template: Previous run_job_template failed. Retry 1 of 3"));
  action.advance(10s);
  EXPECT_TRUE(action.finish());
  EXPECT_EQ(action.controller.orders.size(), 3u);
  EXPECT_EQ(view(action.outcome().at("status").as_string()), "successful");
}

TEST(RunJobTemplate, RetryAloneMeansOnce) {
  RunJobTemplate action({{"retry", true}});
  action.controller.endings = {"failed"};
  action.start();
  action.advance(1s);
  EXPECT_FALSE(action.finish());
  EXPECT_EQ(action.controller.orders.size(), 2u);
}

TEST(RunJobTemplate, RunsOnlyFailedJobsAgain) {
  for (const auto* ending : {"error", "canceled"}) {
    RunJobTemplate action({{"retries", 3}});
    action.controller.endings = {ending};
    EXPECT_EQ(action.run().error().message(),
              fmt::format("job 1 of template deploy ended: {}", ending));
    EXPECT_EQ(action.controller.orders.size(), 1u);
    EXPECT_EQ(action.outcome().at("status"), Value(ending));
    EXPECT_FALSE(action.outcome().contains("reason"));
  }
}

TEST(RunJobTemplate, TellsTheAudit) {
  RunJobTemplate action;
  ASSERT_TRUE(action.run());
  const auto& outcome = action.outcome();
  EXPECT_EQ(outcome.at("job_template_name"), Value("deploy"));
  EXPECT_EQ(outcome.at("organization"), Value("Default"));
  EXPECT_EQ(outcome.at("controller_job_id"), Value(1));
  EXPECT_EQ(outcome.at("status"), Value("successful"));
  EXPECT_EQ(outcome.at("run_at"), Value("2026-11-21T10:00:00Z"));
  EXPECT_EQ(outcome.at("url"), Value("https://c/#/jobs/1/details"));
  EXPECT_EQ(outcome.at("job_id").as_string().size(), 36u);
  EXPECT_FALSE(outcome.contains("message"));
}

TEST(RunJobTemplate, TellsTheAuditOfAFailure) {
  RunJobTemplate action;
  action.controller.refusal = Error(Errc::not_found, "no such template");
  EXPECT_FALSE(action.run());
  EXPECT_EQ(action.outcome().at("status"), Value("failed"));
  EXPECT_EQ(action.outcome().at("message"), Value("no such template"));
  EXPECT_EQ(to_json(action.outcome().at("reason")), R"({"error":"no such template"})");
  EXPECT_TRUE(action.outcome().contains("run_at"));
}

TEST(RunJobTemplate, NeedsAController) {
  RunJobTemplate action;
  action.engine.controller = nullptr;
  EXPECT_EQ(action.run().error().message(),
            "run_job_template needs controller url and token to be defined");
}

}  // namespace
}  // namespace millrace::run_job_template_action
