// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <vector>

#include "millrace/base/log.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/plugin/job_controller.hpp"
#include "rest_client.hpp"

namespace millrace::controller {

/// Looks at all running jobs at once, again and again. It has no task of its own: one of those who
/// wait looks for all, and when it goes another takes its place. Loop thread only.
class JobMonitor {
 public:
  struct Options {
    Duration delay;
    std::size_t batch;
  };
  /// `rest` outlives the monitor.
  JobMonitor(RestClient& rest, MainLoop& loop, Log& log, Options options)
      : rest_(rest), loop_(loop), log_(log), options_(options) {}

  /// As JobController::wait().
  Task<Result<ControllerJob>> wait(ControllerJob job);

 private:
  /// A job that somebody waits for; lives in that task.
  struct Watched {
    ControllerJob job;
    int missed = 0;  ///< looks that did not see it, one after another
    std::optional<Result<>> ended = {};
  };

  Task<Result<>> look();
  Task<Result<>> look_at_all(JobKind kind);
  Task<Result<>> look_at(JobKind kind, std::vector<std::int64_t> ids);
  void take(JobKind kind, const std::vector<std::int64_t>& ids, const Object& answer);
  void give_up(JobKind kind, const std::vector<std::int64_t>& ids, const Error& error);

  RestClient& rest_;
  MainLoop& loop_;
  Log& log_;
  const Options options_;
  std::list<Watched*> watched_;
  bool somebody_looks_ = false;
  bool complained_ = false;
  Instant next_look_{};
  Waiters changed_;
};

}  // namespace millrace::controller
