// SPDX-License-Identifier: Apache-2.0
#include "directory_watch.hpp"

#include <sys/inotify.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "millrace/base/files.hpp"

namespace millrace::file {
namespace {

using What = DirectoryWatch::What;

constexpr std::uint32_t kWatched =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_MOVE_SELF | IN_ONLYDIR;

std::optional<What> what_of(std::uint32_t mask) {
  if ((mask & IN_Q_OVERFLOW) != 0) return What::lost;
  if ((mask & (IN_IGNORED | IN_MOVE_SELF)) != 0) return What::gone;
  if ((mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) return What::written;
  if ((mask & IN_CREATE) != 0) return What::created;
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<DirectoryWatch>> DirectoryWatch::create(
    const asio::any_io_executor& executor) {
  FileDescriptor inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify) return fail_errno(errno, "cannot watch files");
  return std::unique_ptr<DirectoryWatch>(
      new DirectoryWatch(asio::posix::stream_descriptor(executor, inotify.release())));
}

Result<> DirectoryWatch::add(const std::string& directory) {
  const int watch = ::inotify_add_watch(inotify_.native_handle(), directory.c_str(), kWatched);
  if (watch < 0) return fail_errno(errno, fmt::format("cannot watch {}", directory));
  directories_[watch] = directory;
  return {};
}

Task<Result<std::vector<DirectoryWatch::Change>>> DirectoryWatch::wait() {
  if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
  boost::system::error_code error;
  const auto bytes = co_await inotify_.async_read_some(
      asio::buffer(buffer_), asio::redirect_error(asio::use_awaitable, error));
  if (error == asio::error::operation_aborted) co_return Error(Errc::cancelled, "asked to stop");
  if (error) co_return fail(Errc::io, "cannot watch files: {}", error.message());
  co_return decode(bytes);
}

std::vector<DirectoryWatch::Change> DirectoryWatch::decode(std::size_t bytes) const {
  std::vector<Change> changes;
  for (std::size_t at = 0; at + sizeof(inotify_event) <= bytes;) {
    inotify_event event{};  // copied: the buffer need not be aligned for it
    std::memcpy(&event, buffer_.data() + at, sizeof event);
    const char* const name = buffer_.data() + at + sizeof event;
    at += sizeof event + event.len;
    const auto what = what_of(event.mask);
    if (!what) continue;
    const auto directory = directories_.find(event.wd);
    if (*what != What::lost && directory == directories_.end()) continue;
    changes.push_back(
        {.what = *what,
         .directory = directory == directories_.end() ? std::string() : directory->second,
         .name = std::string(name, ::strnlen(name, event.len))});
  }
  return changes;
}

}  // namespace millrace::file
