// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/log.hpp"
#include "millrace/base/result.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/plugin/job_controller.hpp"

namespace millrace::controller {

struct ControllerOptions {
  std::string url;  ///< empty: there is no controller
  std::string token;
  std::string username;  ///< with the password, instead of a token
  std::string password;
  std::string ssl_verify = "yes";                     ///< yes, no, or a file of authorities
  Duration longest_pause = std::chrono::seconds(60);  ///< between attempts of one request
  std::size_t attempts = 5;                           ///< of one request
  Duration poll_delay = std::chrono::seconds(10);     ///< between looks at running jobs
  std::size_t poll_batch = 25;                        ///< jobs of one look
  std::size_t connections = 30;                       ///< requests at a time
  std::vector<std::string> labels = {"Activated by Event-Driven Ansible"};  ///< of every job
};

/// The REST API of an automation controller (AWX, AAP). One object serves all actions: it looks at
/// all running jobs at once. Loop thread only.
class Controller final : public JobController {
 public:
  /// Errors: invalid_settings, in the words of the original; io.
  static Result<std::unique_ptr<Controller>> create(MainLoop& loop, Log& log,
                                                    ControllerOptions options);
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;
  /// Nobody may be waiting for it.
  ~Controller() override;

  Task<Result<ControllerJob>> launch(JobOrder order) override;
  Task<Result<ControllerJob>> wait(ControllerJob job) override;

 private:
  class Impl;
  explicit Controller(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::controller
