// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/task.hpp"

namespace millrace {

enum class JobKind : std::uint8_t { job, workflow };

/// Which template is to run, and with what.
struct JobOrder {
  JobKind kind = JobKind::job;
  std::string name;
  std::string organization;
  Object arguments = {};                 ///< of the launch, in the controller's own terms
  std::vector<std::string> labels = {};  ///< besides the controller's own
};

/// A job that was launched. All that is needed to wait for it again: kind and id.
struct ControllerJob {
  JobKind kind = JobKind::job;
  std::int64_t id = 0;
  std::string status = {};   ///< as the controller says: "pending", "successful", "failed"…
  std::string created = {};  ///< the same
  std::string page = {};     ///< URL where people see it
  Object artifacts = {};
};

/// Runs the templates of an automation controller (AWX, AAP). Loop thread only.
class JobController {
 public:
  virtual ~JobController() = default;

  /// Errors: not_found for an unknown template, permission_denied, invalid_settings when the
  /// controller refuses the arguments, unavailable, timeout, cancelled.
  virtual Task<Result<ControllerJob>> launch(JobOrder order) = 0;
  /// Until the job has ended, well or not, however long the controller is away meanwhile. Errors:
  /// not_found when the controller does not know it any more, permission_denied, cancelled: the job
  /// goes on.
  virtual Task<Result<ControllerJob>> wait(ControllerJob job) = 0;

 protected:
  JobController() = default;
  JobController(const JobController&) = default;
  JobController& operator=(const JobController&) = default;
};

}  // namespace millrace
