// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "millrace/loop/blocking_pool.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/loop/main_loop.hpp"

namespace millrace::url_check {

struct FetchOptions {
  Duration timeout = std::chrono::seconds(300);  ///< of one request, redirects included
  bool verify_ssl = true;                        ///< certificates must be valid, and the host's
};

/// What a GET came to: the status of the last answer after redirects, or why there is none.
struct Answer {
  int status_code = 0;  ///< 0: none came
  std::string error;    ///< never has credentials of the URL
};

/// Asks for URLs, one at a time, each by a new connection. libcurl works on a thread of its own,
/// because a request may take minutes. Everything else: loop thread only.
class Fetcher {
 public:
  /// Errors: io when libcurl cannot be set up.
  static Result<std::unique_ptr<Fetcher>> create(MainLoop& loop, FetchOptions options);
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;
  ~Fetcher();

  /// Whatever the URL is, there is an answer: bodies are not read, failures are told by it.
  /// Errors: cancelled, at once.
  Task<Result<Answer>> get(std::string url);

 private:
  class Library;
  class Transfer;

  Fetcher(MainLoop& loop, FetchOptions options, std::unique_ptr<Library> library);
  Task<> perform(std::shared_ptr<Transfer> transfer, Answer& answer);

  MainLoop& loop_;
  const FetchOptions options_;
  const std::unique_ptr<Library> library_;
  BlockingPool thread_{1};
  Waiters ended_;
  TaskGroup tasks_;
};

}  // namespace millrace::url_check
