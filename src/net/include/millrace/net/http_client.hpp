// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"

namespace millrace::net {

/// Whom a client trusts, and what it shows of itself. Files are PEM.
struct TlsClientFiles {
  bool verify = true;            ///< the server's certificate must be valid, and its host's
  std::string authorities = {};  ///< file; empty: the system's
  std::string certificate = {};  ///< of the client; empty: none
  std::string key = {};          ///< empty: in the certificate's file
  std::string key_password = {};
};

/// Signs a request as Amazon's services want it (SigV4).
struct AwsSignature {
  std::string region;
  std::string service;
  std::string access_key;
  std::string secret_key;
  std::string session_token = {};
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;  ///< http or https
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  /// Of the whole, redirects included.
  Duration timeout = std::chrono::seconds(30);
  bool follow_redirects = false;  ///< at most 10; credentials stay with the first host
  std::size_t max_body = std::size_t{16} << 20;                               ///< of the answer
  std::optional<std::pair<std::string, std::string>> user_and_password = {};  ///< Basic
  TlsClientFiles tls = {};
  std::optional<AwsSignature> aws = {};
  bool use_proxy = true;  ///< that the environment names
  /// Ends with the answer's headers, over a new connection and a new look-up of the name: whether
  /// the way there is open is all that is asked.
  bool only_probe = false;
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>>
      headers;  ///< of the last answer; names lower case
  std::string body;

  /// The first of that name, given in lower case.
  std::optional<std::string_view> header(std::string_view name) const;
};

/// Sends requests, any number at a time, and keeps connections for the next. libcurl works on a
/// thread of its own; everything else: loop thread only.
class HttpClient {
 public:
  /// Errors: io when libcurl cannot be set up.
  static Result<std::unique_ptr<HttpClient>> create(MainLoop& loop);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  /// No request may be under way.
  ~HttpClient();

  /// Any status is an answer. Errors: invalid_settings for a URL or a header
  /// that cannot be one; unavailable
  /// when there is no answer, timeout, unsupported when it is larger than max_body; cancelled, at
  /// once. Messages never hold credentials.
  Task<Result<HttpResponse>> send(HttpRequest request);

 private:
  class Worker;
  explicit HttpClient(std::unique_ptr<Worker> worker);

  const std::unique_ptr<Worker> worker_;
};

/// "a b&c" becomes "a%20b%26c".
std::string percent_encode(std::string_view text);

}  // namespace millrace::net
