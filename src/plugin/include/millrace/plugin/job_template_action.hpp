// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "millrace/base/uuid.hpp"
#include "millrace/plugin/action.hpp"
#include "millrace/plugin/job_controller.hpp"
#include "millrace/plugin/settings.hpp"

namespace millrace {

/// Runs a template at the controller, and waits for the job's end: what the actions for jobs and
/// for workflows have in common.
class JobTemplateAction : public Action {
 public:
  static SettingsSchema schema();

  Task<Result<>> run(const Settings& settings, ActionContext& context) final;

 protected:
  explicit JobTemplateAction(JobKind kind) : kind_(kind) {}

 private:
  Task<Result<>> run_jobs(const Settings& settings, ActionContext& context);
  Result<JobOrder> order_of(const Settings& settings, const ActionContext& context) const;

  const JobKind kind_;
  UuidGenerator uuids_;
};

}  // namespace millrace
