// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "millrace/base/files.hpp"
#include "millrace/plugin/testing/source_harness.hpp"

namespace millrace::testing {

struct Reply {
  int status = 0;
  std::string reason;
  std::string headers;  ///< "Name: value\r\n" each
  std::string body;

  std::string header(std::string_view name) const {
    const auto at = headers.find(std::string(name) + ": ");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 2;
    return headers.substr(begin, headers.find("\r\n", begin) - begin);
  }
};

/// A client that sends bytes as they are, well formed or not. The source runs, on this thread,
/// while an answer is awaited.
class Client {
 public:
  Client(SourceHarness& source, std::uint16_t port)
      : source_(source), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
  }

  /// Speaks TLS from now on. False: the server does not want to.
  bool start_tls(SSL_CTX* context) {
    tls_.reset(SSL_new(context));
    SSL_set_fd(tls_.get(), socket_.get());
    make_non_blocking();
    int outcome = 0;
    const bool ended = source_.run_until([&] {
      outcome = SSL_connect(tls_.get());
      return outcome == 1 || !wants_more(outcome);
    });
    return ended && outcome == 1;
  }

  void send(std::string_view bytes) {
    while (!bytes.empty() && !closed_) {
      std::size_t sent = 0;
      source_.run_until([&] {
        sent = send_some(bytes);
        return sent > 0 || closed_;
      });
      bytes.remove_prefix(sent);
    }
  }

  enum class Method { post, head };

  /// The next reply; status 0 if none comes.
  Reply reply(Method method = Method::post) {
    Reply reply;
    source_.run_until([&] { return receive() || take(reply, method); });
    if (reply.status == 0) take(reply, method);
    return reply;
  }
  Reply post(std::string_view target, std::string_view body, std::string_view headers = {}) {
    send(request("POST", target, body, headers));
    return reply();
  }
  static std::string request(std::string_view method, std::string_view target,
                             std::string_view body, std::string_view headers = {}) {
    return fmt::format("{} {} HTTP/1.1\r\nHost: test\r\n{}Content-Length: {}\r\n\r\n{}", method,
                       target, headers, body.size(), body);
  }

  /// Whether the server closes the connection, having sent nothing but what was read.
  bool closed_by_server() {
    source_.run_until([&] { return receive(); });
    return closed_ && received_.empty();
  }
  /// Whether, as far as has been heard, the connection is open.
  bool open() {
    receive();
    return !closed_;
  }
  /// A byte at least has come back.
  bool heard() {
    receive();
    return !received_.empty();
  }

 private:
  struct FreeTls {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };

  void make_non_blocking() { ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK); }
  bool wants_more(int outcome) {
    const int error = SSL_get_error(tls_.get(), outcome);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  }

  std::size_t send_some(std::string_view bytes) {
    if (tls_) {
      const int sent = SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (sent <= 0 && !wants_more(sent)) closed_ = true;
      return sent > 0 ? static_cast<std::size_t>(sent) : 0;
    }
    const auto sent =
        ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) closed_ = true;
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }

  // Reads what is there; whether the connection is closed.
  bool receive() {
    std::array<char, 4096> bytes{};
    while (!closed_) {
      if (tls_) {
        const int got = SSL_read(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
        if (got <= 0) {
          closed_ = !wants_more(got);
          break;
        }
        received_.append(bytes.data(), static_cast<std::size_t>(got));
      } else {
        const auto got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got <= 0) {
          closed_ = got == 0 || errno != EAGAIN;
          break;
        }
        received_.append(bytes.data(), static_cast<std::size_t>(got));
      }
    }
    return closed_;
  }

  // Takes one whole reply off what was received.
  bool take(Reply& reply, Method method) {
    const auto end = received_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const auto line_end = received_.find("\r\n");
    reply.headers = received_.substr(line_end + 2, end - line_end);
    std::size_t length = 0;
    const auto text = reply.header("Content-Length");
    if (method == Method::post) std::from_chars(text.data(), text.data() + text.size(), length);
    if (received_.size() < end + 4 + length) return false;
    EXPECT_TRUE(received_.starts_with("HTTP/1.1 ")) << received_;
    std::from_chars(received_.data() + 9, received_.data() + 12, reply.status);
    reply.reason = received_.substr(13, line_end - 13);
    reply.body = received_.substr(end + 4, length);
    received_.erase(0, end + 4 + length);
    return true;
  }

  SourceHarness& source_;
  FileDescriptor socket_;
  std::unique_ptr<SSL, FreeTls> tls_;
  std::string received_;
  bool closed_ = false;
};

}  // namespace millrace::testing
