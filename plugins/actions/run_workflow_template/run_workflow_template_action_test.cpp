// SPDX-License-Identifier: Apache-2.0
// What jobs and workflows have in common is tested with run_job_template.
#include <gtest/gtest.h>

#include <vector>

#include "millrace/plugin/job_controller.hpp"
#include "millrace/plugin/testing/action_harness.hpp"

void millrace_describe_run_workflow_template_action(millrace::PluginBuilder&);

namespace millrace::run_workflow_template_action {
namespace {

class FakeController final : public JobController {
 public:
  Task<Result<ControllerJob>> launch(JobOrder order) override {
    orders.push_back(std::move(order));
    co_return ControllerJob{.kind = JobKind::workflow, .id = 1};
  }
  Task<Result<ControllerJob>> wait(ControllerJob job) override {
    job.status = "successful";
    job.artifacts = {{"n", 1}};
    co_return job;
  }

  std::vector<JobOrder> orders;
};

TEST(RunWorkflowTemplate, RunsAWorkflow) {
  FakeController controller;
  testing::ActionHarness action(
      millrace_describe_run_workflow_template_action, "run_workflow_template",
      {{"name", "flow"}, {"organization", "Default"}, {"post_events", true}});
  action.engine.controller = &controller;
  action.engine.prints_events = true;

  ASSERT_TRUE(action.run());

  EXPECT_EQ(controller.orders.at(0).kind, JobKind::workflow);
  EXPECT_EQ(action.outcome().at("name"), Value("flow"));
  EXPECT_FALSE(action.outcome().contains("job_template_name"));
  EXPECT_EQ(action.engine.events_posted.size(), 1u);
  EXPECT_TRUE(action.take_output().contains("[workflow: set-facts]"));
}

}  // namespace
}  // namespace millrace::run_workflow_template_action
