// SPDX-License-Identifier: Apache-2.0
// Runs a job template at an automation controller.

#include "millrace/plugin/job_template_action.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::run_job_template_action {
namespace {

class RunJobTemplateAction final : public JobTemplateAction {
 public:
  RunJobTemplateAction() : JobTemplateAction(JobKind::job) {}
};

}  // namespace
}  // namespace millrace::run_job_template_action

MILLRACE_PLUGIN(run_job_template_action, plugin) {
  using millrace::run_job_template_action::RunJobTemplateAction;
  plugin.action<RunJobTemplateAction>("run_job_template", "Runs a job template at the controller.",
                                      RunJobTemplateAction::schema());
}
