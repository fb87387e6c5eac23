// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/testing/http_test_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

namespace millrace::net::testing {
namespace {

using Session = std::unique_ptr<SSL, decltype(&SSL_free)>;

bool receive(int client, SSL* tls, std::string& into) {
  std::array<char, 4096> bytes{};
  const auto size = tls != nullptr ? SSL_read(tls, bytes.data(), bytes.size())
                                   : ::recv(client, bytes.data(), bytes.size(), 0);
  if (size > 0) into.append(bytes.data(), static_cast<std::size_t>(size));
  return size > 0;
}

void send(int client, SSL* tls, std::string_view bytes) {
  if (tls != nullptr) {
    SSL_write(tls, bytes.data(), static_cast<int>(bytes.size()));
  } else {
    ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
}

std::size_t body_size(std::string_view headers) {
  constexpr std::string_view name = "Content-Length: ";
  const auto at = headers.find(name);
  if (at == std::string_view::npos) return 0;
  return std::strtoul(headers.data() + at + name.size(), nullptr, 10);
}

}  // namespace

HttpTestServer::HttpTestServer(Answers answers, SSL_CTX* tls)
    : answers_(std::move(answers)), tls_(tls), socket_(listen()), thread_([this] { serve(); }) {}

HttpTestServer::~HttpTestServer() {
  ::shutdown(socket_.get(), SHUT_RDWR);
  thread_.join();
}

std::string HttpTestServer::url(std::string_view path, std::string_view user) const {
  return fmt::format("{}://{}127.0.0.1:{}{}", tls_ != nullptr ? "https" : "http", user, port_,
                     path);
}

std::vector<std::string> HttpTestServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

FileDescriptor HttpTestServer::listen() {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* name = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), name, size) != 0 || ::listen(socket.get(), 16) != 0 ||
      ::getsockname(socket.get(), name, &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  return socket;
}

void HttpTestServer::serve() {
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

void HttpTestServer::answer(int client, SSL* tls) {
  std::string request;
  std::size_t end = 0;
  while ((end = request.find("\r\n\r\n")) == std::string::npos) {
    if (!receive(client, tls, request)) return;
  }
  end += 4 + body_size(request);
  while (request.size() < end) {
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

}  // namespace millrace::net::testing
