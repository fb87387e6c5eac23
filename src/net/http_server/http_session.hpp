// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/net/http_server.hpp"
#include "request_parser.hpp"
#include "transport.hpp"

namespace millrace::net {

/// One connection: requests are read and answered one after another, for as long as the client
/// likes and is heard of.
class HttpSession {
 public:
  /// Everything handed over outlives the session.
  HttpSession(Transport::Tcp::socket socket, asio::ssl::context* tls, MainLoop& loop,
              HttpHandler& handler, const HttpLimits& limits);

  /// Serves the connection to its end, also when asked to stop: a request in hand is answered
  /// first. Errors: the handler's, but not cancelled.
  Task<Result<>> run();

 private:
  enum class Next { request, close, linger };
  struct Received {
    bool whole = false;
    std::optional<HttpAnswer> refusal;
  };

  Task<Next> serve();
  Task<Received> receive(RequestParser& parser);
  std::optional<HttpAnswer> parse(RequestParser& parser);
  std::optional<HttpAnswer> judge();
  Task<bool> send_continue(const RequestParser& parser);
  Task<std::optional<HttpAnswer>> last_word(const RequestParser& parser);
  Task<HttpAnswer> answer();
  void compose(const HttpAnswer& response, const RequestParser& parser, Next next);
  std::string_view date();

  std::string_view unread() const { return std::string_view(buffer_.data(), end_).substr(begin_); }
  Task<bool> read_more();

  HttpHandler& handler_;
  const HttpLimits& limits_;
  MainLoop& loop_;
  Transport transport_;
  std::optional<Error> failure_;
  IncomingRequest request_;
  std::string out_;
  std::string date_;
  WallTime date_made_{};
  std::size_t begin_ = 0;  // buffer_[begin_, end_) is read and not parsed yet
  std::size_t end_ = 0;
  std::array<char, std::size_t{16} * 1024> buffer_;  // more than kHeaderLimit
};

}  // namespace millrace::net
