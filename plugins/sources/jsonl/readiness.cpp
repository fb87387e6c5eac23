// SPDX-License-Identifier: Apache-2.0
#include "readiness.hpp"

#include <sys/epoll.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

#include "millrace/base/files.hpp"

namespace millrace::jsonl {

Result<std::unique_ptr<Readiness>> Readiness::watch(const asio::any_io_executor& executor,
                                                    int descriptor) {
  FileDescriptor set(::epoll_create1(EPOLL_CLOEXEC));
  if (!set) return fail_errno(errno, "cannot watch a stream");
  epoll_event event{.events = EPOLLIN, .data = {}};
  if (::epoll_ctl(set.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
    if (errno == EPERM) return std::unique_ptr<Readiness>();
    return fail_errno(errno, "cannot watch a stream");
  }
  return std::unique_ptr<Readiness>(
      new Readiness(asio::posix::stream_descriptor(executor, set.release())));
}

Task<Result<>> Readiness::wait() {
  if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
  boost::system::error_code error;
  co_await set_.async_wait(asio::posix::stream_descriptor::wait_read,
                           asio::redirect_error(asio::use_awaitable, error));
  if (error == asio::error::operation_aborted) co_return Error(Errc::cancelled, "asked to stop");
  if (error) co_return fail(Errc::io, "cannot wait for a stream: {}", error.message());
  co_return Result<>();
}

}  // namespace millrace::jsonl
