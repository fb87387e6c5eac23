// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http_request.hpp"
#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "transport.hpp"

namespace millrace::webhook {

/// What a client is told, as plain text.
struct Response {
  unsigned status = 200;
  std::string_view reason = "OK";
  std::string body;
  std::string_view header = {};  ///< a header line with its end, or nothing
};

/// Answers requests, for all connections of a server. Loop thread only.
class Handler {
 public:
  Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  virtual ~Handler() = default;

  /// The answer to a request that is refused for its headers alone: then its body is not waited
  /// for.
  virtual std::optional<Response> refuse(const Request& request) = 0;
  /// The answer to a whole request that was not refused. Errors: cancelled, which the client sees
  /// as 503; any other ends the server.
  virtual Task<Result<Response>> answer(Request& request) = 0;
};

struct HttpLimits {
  std::size_t max_body_size = std::size_t{1} << 20;
  Duration idle = std::chrono::seconds(75);  ///< between requests
  Duration header =
      std::chrono::seconds(10);  ///< from a request's first byte to the end of its headers
  Duration body = std::chrono::seconds(60);  ///< from there to the end of its body
};

/// One connection: requests are read and answered one after another, for as long as the client
/// likes and is heard of.
class HttpSession {
 public:
  /// Everything handed over outlives the session.
  HttpSession(Transport::Tcp::socket socket, asio::ssl::context* tls, MainLoop& loop,
              Handler& handler, const HttpLimits& limits);

  /// Serves the connection to its end, also when asked to stop: a request in hand is answered
  /// first. Errors: the handler's, but not cancelled.
  Task<Result<>> run();

 private:
  enum class Next { request, close, linger };
  struct Received {
    bool whole = false;
    std::optional<Response> refusal;
  };

  Task<Next> serve();
  Task<Received> receive(RequestParser& parser);
  std::optional<Response> parse(RequestParser& parser);
  std::optional<Response> judge();
  Task<bool> send_continue(const RequestParser& parser);
  Task<std::optional<Response>> last_word(const RequestParser& parser);
  Task<Response> answer();
  void compose(const Response& response, const RequestParser& parser, Next next);
  std::string_view date();

  std::string_view unread() const { return std::string_view(buffer_.data(), end_).substr(begin_); }
  Task<bool> read_more();

  Handler& handler_;
  const HttpLimits& limits_;
  MainLoop& loop_;
  Transport transport_;
  std::optional<Error> failure_;
  Request request_;
  std::string out_;
  std::string date_;
  WallTime date_made_{};
  std::size_t begin_ = 0;  // buffer_[begin_, end_) is read and not parsed yet
  std::size_t end_ = 0;
  std::array<char, std::size_t{16} * 1024> buffer_;  // more than kHeaderLimit
};

}  // namespace millrace::webhook
