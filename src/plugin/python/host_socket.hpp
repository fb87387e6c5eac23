// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "millrace/base/files.hpp"
#include "millrace/base/result.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"

namespace millrace::python {

/// Waits until a descriptor is ready, and hears nothing of it while nobody waits: Asio listens to
/// its own descriptors all the time, so that each small write of a source would wake the engine,
/// which costs the source as much as the event.
class Gate {
 public:
  /// `events` as epoll names them; `set` is of epoll, with this one descriptor.
  Gate(MainLoop& loop, int descriptor, std::uint32_t events, FileDescriptor set);

  /// Until it is ready, or cancel() was called.
  Task<> wait();
  void cancel();

 private:
  const int descriptor_;
  const std::uint32_t events_;
  asio::posix::stream_descriptor set_;
};

/// The engine's ends of what joins it to a host: frames go there through a socket, and come back
/// through a pipe, into which a small write costs the host half of what it does into a socket.
class HostSocket {
 public:
  /// Errors: io.
  static Result<std::unique_ptr<HostSocket>> make(MainLoop& loop, FileDescriptor socket,
                                                  FileDescriptor pipe);

  /// As read() and send(), which never wait: -1 and errno.
  ssize_t receive(std::span<char> room);
  ssize_t send(std::string_view bytes);
  Task<> wait_readable() { return readable_.wait(); }
  Task<> wait_writable() { return writable_.wait(); }
  /// Ends the waits.
  void cancel();

 private:
  HostSocket(MainLoop& loop, FileDescriptor socket, FileDescriptor pipe, FileDescriptor reading,
             FileDescriptor writing);

  const FileDescriptor socket_;
  const FileDescriptor pipe_;
  Gate readable_;
  Gate writable_;
};

}  // namespace millrace::python
