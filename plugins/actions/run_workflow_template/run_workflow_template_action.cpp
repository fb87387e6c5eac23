// SPDX-License-Identifier: Apache-2.0
// Runs a workflow template at an automation controller.

#include "millrace/plugin/job_template_action.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::run_workflow_template_action {
namespace {

class RunWorkflowTemplateAction final : public JobTemplateAction {
 public:
  RunWorkflowTemplateAction() : JobTemplateAction(JobKind::workflow) {}
};

}  // namespace
}  // namespace millrace::run_workflow_template_action

MILLRACE_PLUGIN(run_workflow_template_action, plugin) {
  using millrace::run_workflow_template_action::RunWorkflowTemplateAction;
  plugin.action<RunWorkflowTemplateAction>("run_workflow_template",
                                           "Runs a workflow template at the controller.",
                                           RunWorkflowTemplateAction::schema());
}
