// SPDX-License-Identifier: Apache-2.0
#include "sockets.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace millrace::kafka {

int Sockets::open(int domain, int type, int protocol) {
  const std::scoped_lock lock(mutex_);
  if (is_cut_) {
    errno = ENETDOWN;
    return -1;
  }
  const int socket = ::socket(domain, type | SOCK_CLOEXEC, protocol);
  if (socket >= 0) open_.insert(socket);
  return socket;
}

int Sockets::close(int socket) {
  const std::scoped_lock lock(mutex_);
  open_.erase(socket);
  return ::close(socket);
}

void Sockets::cut() {
  const std::scoped_lock lock(mutex_);
  is_cut_ = true;
  for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
}

}  // namespace millrace::kafka
