// SPDX-License-Identifier: Apache-2.0
#include "host_socket.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

namespace millrace::python {
namespace {

Result<FileDescriptor> make_set(int descriptor) {
  FileDescriptor set(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event none{};
  if (!set || ::epoll_ctl(set.get(), EPOLL_CTL_ADD, descriptor, &none) != 0)
    return fail_errno(errno, "cannot watch a socket");
  return set;
}

}  // namespace

Gate::Gate(MainLoop& loop, int descriptor, std::uint32_t events, FileDescriptor set)
    : descriptor_(descriptor), events_(events), set_(loop.executor(), set.release()) {}

// Once ready it is disarmed, when its event is taken out of the set.
Task<> Gate::wait() {
  epoll_event event{.events = events_ | EPOLLONESHOT, .data = {}};
  ::epoll_ctl(set_.native_handle(), EPOLL_CTL_MOD, descriptor_, &event);
  boost::system::error_code ended;
  co_await set_.async_wait(asio::posix::stream_descriptor::wait_read,
                           asio::redirect_error(asio::use_awaitable, ended));
  ::epoll_wait(set_.native_handle(), &event, 1, 0);
}

void Gate::cancel() {
  boost::system::error_code ignored;
  set_.cancel(ignored);
}

Result<std::unique_ptr<HostSocket>> HostSocket::make(MainLoop& loop, FileDescriptor socket,
                                                     FileDescriptor pipe) {
  auto reading = make_set(pipe.get());
  auto writing = make_set(socket.get());
  if (!reading) return reading.error();
  if (!writing) return writing.error();
  return std::unique_ptr<HostSocket>(new HostSocket(loop, std::move(socket), std::move(pipe),
                                                    std::move(*reading), std::move(*writing)));
}

HostSocket::HostSocket(MainLoop& loop, FileDescriptor socket, FileDescriptor pipe,
                       FileDescriptor reading, FileDescriptor writing)
    : socket_(std::move(socket)),
      pipe_(std::move(pipe)),
      readable_(loop, pipe_.get(), EPOLLIN, std::move(reading)),
      writable_(loop, socket_.get(), EPOLLOUT, std::move(writing)) {}

ssize_t HostSocket::receive(std::span<char> room) {
  return ::read(pipe_.get(), room.data(), room.size());
}

ssize_t HostSocket::send(std::string_view bytes) {
  return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void HostSocket::cancel() {
  readable_.cancel();
  writable_.cancel();
}

}  // namespace millrace::python
