// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"

namespace millrace {

/// What the system tells of a watched file or directory; see inotify(7).
struct InotifyEvent {
  int watch = -1;            ///< -1: of none, as IN_Q_OVERFLOW
  std::uint32_t mask = 0;    ///< IN_CREATE, IN_ISDIR…
  std::uint32_t cookie = 0;  ///< the same for both halves of a rename
  std::string name;          ///< within the directory; empty: of what is watched itself
};

/// Watches files and directories. What nobody reads waits in the system, which tells IN_Q_OVERFLOW
/// when that became too much. Loop thread only, apart from what says otherwise.
class Inotify {
 public:
  /// Errors: io; when the system's limit is reached, it names the sysctl that sets it.
  static Result<std::unique_ptr<Inotify>> create(MainLoop& loop);

  /// The watch's number; that of an older watch of the same file or directory, which then has this
  /// mask. Any thread. Errors: not_found, permission_denied, io; as create() when the limit is
  /// reached.
  Result<int> add(const std::string& path, std::uint32_t mask);
  /// Nothing happens if the watch has gone already. Any thread.
  void remove(int watch);

  /// Waits for the next events, in their order; none if there are none before `deadline`. One task
  /// at a time. Errors: cancelled, io.
  Task<Result<std::vector<InotifyEvent>>> read(std::optional<Instant> deadline = std::nullopt);

 private:
  Inotify(MainLoop& loop, int descriptor);
  std::vector<InotifyEvent> decode(std::size_t bytes) const;

  MainLoop& loop_;
  const int descriptor_;
  asio::posix::stream_descriptor stream_;
  std::array<char, 65536> buffer_;
};

}  // namespace millrace
