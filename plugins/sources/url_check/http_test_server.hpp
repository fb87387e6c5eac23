// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "millrace/base/files.hpp"

namespace millrace::url_check {

/// Answers each path with the bytes given for it, well formed or not, on a thread of its own; one
/// connection at a time. To a path without any it says nothing, and waits for the client to go.
class HttpTestServer {
 public:
  using Answers = std::map<std::string, std::string, std::less<>>;

  /// With `tls`, which outlives the server, it speaks HTTPS.
  explicit HttpTestServer(Answers answers, SSL_CTX* tls = nullptr)
      : answers_(std::move(answers)), tls_(tls), socket_(listen()), thread_([this] { serve(); }) {}
  HttpTestServer(const HttpTestServer&) = delete;
  HttpTestServer& operator=(const HttpTestServer&) = delete;
  ~HttpTestServer() {
    ::shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
  }

  std::string url(std::string_view path, std::string_view user = {}) const {
    return fmt::format("{}://{}127.0.0.1:{}{}", tls_ != nullptr ? "https" : "http", user, port_,
                       path);
  }
  /// What has been received, headers included.
  std::vector<std::string> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }

 private:
  FileDescriptor listen() {
    FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* name = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket.get(), name, size), 0);
    EXPECT_EQ(::listen(socket.get(), 16), 0);
    EXPECT_EQ(::getsockname(socket.get(), name, &size), 0);
    port_ = ntohs(address.sin_port);
    return socket;
  }

  void serve() {
    while (true) {
      const FileDescriptor client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) return;
      const Session tls(tls_ != nullptr ? SSL_new(tls_) : nullptr, SSL_free);
      if (tls) {
        SSL_set_fd(tls.get(), client.get());
        if (SSL_accept(tls.get()) != 1) continue;
      }
      answer(client.get(), tls.get());
    }
  }

  void answer(int client, SSL* tls) {
    std::string request;
    while (!request.contains("\r\n\r\n")) {
      if (!receive(client, tls, request)) return;
    }
    const auto begin = request.find(' ') + 1;
    const auto path = request.substr(begin, request.find(' ', begin) - begin);
    {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(request);
    }
    if (const auto found = answers_.find(path); found != answers_.end()) {
      send(client, tls, found->second);
    } else {
      while (receive(client, tls, request)) {
      }
    }
  }

  static bool receive(int client, SSL* tls, std::string& into) {
    std::array<char, 4096> bytes{};
    const auto size = tls != nullptr ? SSL_read(tls, bytes.data(), bytes.size())
                                     : ::recv(client, bytes.data(), bytes.size(), 0);
    if (size > 0) into.append(bytes.data(), static_cast<std::size_t>(size));
    return size > 0;
  }
  static void send(int client, SSL* tls, std::string_view bytes) {
    if (tls != nullptr) {
      SSL_write(tls, bytes.data(), static_cast<int>(bytes.size()));
    } else {
      ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
  }

  using Session = std::unique_ptr<SSL, decltype(&SSL_free)>;

  const Answers answers_;
  SSL_CTX* const tls_;
  std::uint16_t port_ = 0;
  const FileDescriptor socket_;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace millrace::url_check
