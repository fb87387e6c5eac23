// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "failure.hpp"
#include "frames.hpp"
#include "host_process.hpp"
#include "host_socket.hpp"
#include "millrace/base/files.hpp"
#include "millrace/loop/process.hpp"

namespace millrace::python {

inline constexpr int kProtocol = 1;

/// The two ends of what joins the engine and a host.
struct Ends {
  FileDescriptor here;
  FileDescriptor there;
};

/// One process, from its start until all that it said was read.
struct HostProcess::Running {
  Running(MainLoop& loop, std::unique_ptr<ChildProcess> started,
          std::unique_ptr<HostSocket> its_socket, FileDescriptor out, FileDescriptor err)
      : process(std::move(started)),
        socket(std::move(its_socket)),
        pause(loop.executor()),
        output(loop.executor(), out.release()),
        errors(loop.executor(), err.release()),
        parts(loop.executor(), [this](std::string_view, const std::exception_ptr&) {
          process->kill(SIGKILL);  // its frames are no longer read
        }) {
    output.non_blocking(true);
    errors.non_blocking(true);
  }

  const std::unique_ptr<ChildProcess> process;
  const std::unique_ptr<HostSocket> socket;
  asio::steady_timer pause;  ///< of the reader
  bool has_read_events = false;
  asio::posix::stream_descriptor output;
  asio::posix::stream_descriptor errors;
  FrameReader reader;
  std::string outgoing;
  Waiters outgoing_grew;
  std::string last_error_line;
  std::optional<Error> killed;  ///< why, when the engine did it
  std::optional<Instant> live_since;
  std::optional<Instant> pinged_at;
  bool told_blocked = false;
  std::optional<MainLoop::TimerId> ping_timer;
  std::optional<MainLoop::TimerId> end_timer;
  TaskGroup parts;
};

/// Hears how the loading went that is repeated in a new process.
class HostProcess::LoadWatch final : public ChannelListener {
 public:
  explicit LoadWatch(HostProcess& host) : host_(host) {}
  Result<> on_frame(const Frame& frame, const std::shared_ptr<const void>&) override {
    host_.close(frame.channel);
    if (frame.type != FrameType::failed) return {};
    const auto failure = read_object(frame);
    if (!failure) return failure.error();
    host_.log_.error(host_.log_name(), "it does not load any more: {}",
                     plugin_error(Errc::io, *failure).message());
    return {};
  }
  void on_host_end(const Error&) override {}

 private:
  HostProcess& host_;
};

}  // namespace millrace::python
