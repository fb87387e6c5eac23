// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/inotify.hpp"

#include <fmt/format.h>
#include <sys/inotify.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"

namespace millrace {
namespace {

// "No space left on device" says little to whoever has to mend it.
Error limit_reached(std::string_view what, std::string_view of, std::string_view name) {
  const auto limit = read_file(fmt::format("/proc/sys/fs/inotify/{}", name));
  return fail(Errc::io, "{}: the system's limit of {} is reached; raise the sysctl fs.inotify.{}{}",
              what, of, name, limit ? fmt::format(", which is {}", trim(*limit)) : "");
}

}  // namespace

Result<std::unique_ptr<Inotify>> Inotify::create(MainLoop& loop) {
  const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor >= 0) return std::unique_ptr<Inotify>(new Inotify(loop, descriptor));
  const int why = errno;
  if (why == EMFILE)
    return limit_reached("cannot watch files", "inotify instances", "max_user_instances");
  return fail_errno(why, "cannot watch files");
}

Inotify::Inotify(MainLoop& loop, int descriptor)
    : loop_(loop), descriptor_(descriptor), stream_(loop.executor(), descriptor) {}

Result<int> Inotify::add(const std::string& path, std::uint32_t mask) {
  const int watch = ::inotify_add_watch(descriptor_, path.c_str(), mask);
  if (watch >= 0) return watch;
  const int why = errno;
  const auto what = fmt::format("cannot watch {}", printable(path));
  if (why == ENOSPC) return limit_reached(what, "watches", "max_user_watches");
  return fail_errno(why, what);
}

void Inotify::remove(int watch) { ::inotify_rm_watch(descriptor_, watch); }

Task<Result<std::vector<InotifyEvent>>> Inotify::read(std::optional<Instant> deadline) {
  if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
  std::optional<MainLoop::TimerId> alarm;
  if (deadline) {
    const auto wait = std::max(Duration::zero(), *deadline - loop_.clock().now());
    alarm = loop_.call_later(wait, [this] {
      boost::system::error_code ignored;
      stream_.cancel(ignored);
    });
  }
  boost::system::error_code error;
  const auto bytes = co_await stream_.async_read_some(
      asio::buffer(buffer_), asio::redirect_error(asio::use_awaitable, error));
  if (alarm) loop_.cancel(*alarm);
  if (error == asio::error::operation_aborted) {
    if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
    co_return std::vector<InotifyEvent>();
  }
  if (error) co_return fail(Errc::io, "cannot watch files: {}", error.message());
  co_return decode(bytes);
}

std::vector<InotifyEvent> Inotify::decode(std::size_t bytes) const {
  std::vector<InotifyEvent> events;
  for (std::size_t at = 0; at + sizeof(inotify_event) <= bytes;) {
    inotify_event event{};  // copied: the buffer need not be aligned for it
    std::memcpy(&event, buffer_.data() + at, sizeof event);
    const char* const name = buffer_.data() + at + sizeof event;
    at += sizeof event + event.len;
    events.push_back({.watch = event.wd,
                      .mask = event.mask,
                      .cookie = event.cookie,
                      .name = std::string(name, ::strnlen(name, event.len))});
  }
  return events;
}

}  // namespace millrace
