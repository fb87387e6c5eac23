// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "millrace/base/files.hpp"

namespace millrace::net::testing {

/// Answers each path with the bytes given for it, well formed or not, on a thread of its own; one
/// connection at a time, one request each. To a path without any it says nothing, and waits for the
/// client to go.
class HttpTestServer {
 public:
  using Answers = std::map<std::string, std::string, std::less<>>;

  /// With `tls`, which outlives the server, it speaks HTTPS.
  explicit HttpTestServer(Answers answers, SSL_CTX* tls = nullptr);
  HttpTestServer(const HttpTestServer&) = delete;
  HttpTestServer& operator=(const HttpTestServer&) = delete;
  ~HttpTestServer();

  std::string url(std::string_view path, std::string_view user = {}) const;
  /// What has been received, with headers and body.
  std::vector<std::string> requests() const;

 private:
  FileDescriptor listen();
  void serve();
  void answer(int client, SSL* tls);

  const Answers answers_;
  SSL_CTX* const tls_;
  std::uint16_t port_ = 0;
  const FileDescriptor socket_;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace millrace::net::testing
