// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "millrace/base/files.hpp"
#include "millrace/plugin/testing/source_harness.hpp"

namespace millrace::syslog {

/// A sender that sends bytes as they are. The source runs, on this thread, while something is
/// awaited.
class Sender {
 public:
  /// `type`: SOCK_DGRAM, SOCK_STREAM.
  Sender(testing::SourceHarness& source, std::uint16_t port, int type = SOCK_STREAM)
      : source_(source), socket_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  }

  /// Speaks TLS from now on. False: the source does not want to.
  bool start_tls(SSL_CTX* context) {
    tls_.reset(SSL_new(context));
    SSL_set_fd(tls_.get(), socket_.get());
    int outcome = 0;
    const bool ended = source_.run_until([&] {
      outcome = SSL_connect(tls_.get());
      return outcome == 1 || !wants_more(outcome);
    });
    return ended && outcome == 1;
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t sent = send_some(bytes);
      bytes.remove_prefix(sent);
      if (sent == 0 && !source_.run_until([turns = 0]() mutable { return ++turns > 1; })) return;
    }
  }
  /// As much as the system takes; 0 when it takes nothing now.
  std::size_t send_some(std::string_view bytes) {
    const auto sent =
        tls_ ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
             : ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }
  void end() { ::shutdown(socket_.get(), SHUT_WR); }

  /// Whether the source closes the connection.
  bool closed() {
    return source_.run_until([this] { return is_closed(); });
  }
  bool is_closed() {
    char byte = 0;
    if (tls_) {
      const int got = SSL_read(tls_.get(), &byte, 1);
      return got <= 0 && !wants_more(got);
    }
    const auto got = ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN);
  }
  /// As the source names this end.
  std::string name() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    return fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
  }

 private:
  struct FreeTls {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };

  bool wants_more(int outcome) const {
    const int error = SSL_get_error(tls_.get(), outcome);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  }

  testing::SourceHarness& source_;
  FileDescriptor socket_;
  std::unique_ptr<SSL, FreeTls> tls_;
};

}  // namespace millrace::syslog
