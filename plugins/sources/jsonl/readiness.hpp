// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>

#include "millrace/base/result.hpp"
#include "millrace/loop/task.hpp"

namespace millrace::jsonl {

/// Tells when a pipe, a socket or a terminal has something to read. Loop thread only.
///
/// Asio would make the descriptor non-blocking, and with it every other holder's, among them the
/// standard output of a terminal. So Asio watches an epoll set of our own instead, which holds the
/// descriptor and leaves its flags alone.
class Readiness {
 public:
  /// nullptr for what cannot be waited for: regular files, which are always ready. `descriptor`
  /// must outlive the answer. Errors: io.
  static Result<std::unique_ptr<Readiness>> watch(const asio::any_io_executor& executor,
                                                  int descriptor);

  /// Until there is something to read, or the end. Errors: cancelled, io.
  Task<Result<>> wait();

 private:
  explicit Readiness(asio::posix::stream_descriptor set) : set_(std::move(set)) {}

  asio::posix::stream_descriptor set_;
};

}  // namespace millrace::jsonl
