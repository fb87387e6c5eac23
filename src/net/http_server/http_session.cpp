// SPDX-License-Identifier: Apache-2.0
#include "http_session.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <cstring>
#include <utility>

#include "millrace/net/header_names.hpp"

namespace millrace::net {
namespace {

namespace http = boost::beast::http;

HttpAnswer too_large(const IncomingRequest& request, std::size_t limit) {
  return {413, "Request Entity Too Large",
          fmt::format("Maximum request body size {} exceeded, actual body size {}", limit,
                      request.body_size())};
}

HttpAnswer malformed(const boost::beast::error_code& error) {
  if (error == http::error::header_limit) {
    return {431, "Request Header Fields Too Large", "431: Request Header Fields Too Large"};
  }
  return {400, "Bad Request", "400: Bad Request"};
}

bool expects_continue(std::string_view expectation) {
  return same_name(expectation, "100-continue");
}

}  // namespace

HttpSession::HttpSession(Transport::Tcp::socket socket, asio::ssl::context* tls, MainLoop& loop,
                         HttpHandler& handler, const HttpLimits& limits)
    : handler_(handler), limits_(limits), loop_(loop), transport_(std::move(socket), tls, loop) {}

Task<Result<>> HttpSession::run() {
  Next next = co_await transport_.handshake() ? Next::request : Next::close;
  while (next == Next::request) next = co_await serve();
  co_await transport_.close(next == Next::linger ? Transport::Goodbye::linger
                                                 : Transport::Goodbye::now);
  if (failure_) co_return *failure_;
  co_return Result<>();
}

Task<HttpSession::Next> HttpSession::serve() {
  RequestParser parser(request_, limits_.max_body_size);
  auto received = co_await receive(parser);
  if (!received.whole && !received.refusal) co_return Next::close;
  const HttpAnswer response = received.refusal ? std::move(*received.refusal) : co_await answer();
  // Where an unfinished request ends is not known, so nothing that follows it can be understood.
  const Next next = received.whole && parser.keep_alive() && response.status != 503 ? Next::request
                                                                                    : Next::linger;
  compose(response, parser, next);
  co_return co_await transport_.write(out_) ? next : Next::close;
}

Task<HttpSession::Received> HttpSession::receive(RequestParser& parser) {
  transport_.expire_after(limits_.idle);
  bool begun = false;
  bool judged = false;
  while (true) {
    if (auto refusal = parse(parser)) co_return Received{.refusal = std::move(refusal)};
    if (!judged && parser.is_header_done()) {
      judged = true;
      if (auto refusal = judge()) co_return Received{parser.is_done(), std::move(refusal)};
      if (!parser.is_done()) transport_.expire_after(limits_.body);
      if (!co_await send_continue(parser)) co_return Received{};
    }
    if (request_.too_large())
      co_return Received{parser.is_done(), too_large(request_, limits_.max_body_size)};
    if (parser.is_done()) break;
    if (!begun && !judged && (parser.got_some() || !unread().empty())) {
      begun = true;
      transport_.expire_after(limits_.header);
    }
    if (!co_await read_more()) co_return Received{.refusal = co_await last_word(parser)};
  }
  transport_.never_expire();
  co_return Received{.whole = true};
}

// Feeds the parser with what has been read; the answer to a request that makes no sense.
std::optional<HttpAnswer> HttpSession::parse(RequestParser& parser) {
  // Some clients end a body with a line of their own.
  while (!parser.got_some() && begin_ < end_ &&
         (buffer_[begin_] == '\r' || buffer_[begin_] == '\n'))
    ++begin_;
  if (begin_ == end_) return std::nullopt;
  boost::beast::error_code error;
  begin_ += parser.put(asio::buffer(unread().data(), unread().size()), error);
  if (error && error != http::error::need_more) return malformed(error);
  return std::nullopt;
}

std::optional<HttpAnswer> HttpSession::judge() {
  if (auto refusal = handler_.refuse(request_)) return refusal;
  const auto expectation = request_.find("Expect");
  if (expectation && !request_.is_http_1_0() && !expects_continue(*expectation)) {
    return HttpAnswer{417, "Expectation Failed", "417: Expectation Failed"};
  }
  return std::nullopt;
}

// Tells a client that waits for leave to send its body to go ahead.
Task<bool> HttpSession::send_continue(const RequestParser& parser) {
  if (parser.is_done() || request_.too_large() || request_.is_http_1_0() ||
      !request_.find("Expect"))
    co_return true;
  co_return co_await transport_.write("HTTP/1.1 100 Continue\r\n\r\n");
}

// What to tell a client when nothing more is read from it.
Task<std::optional<HttpAnswer>> HttpSession::last_word(const RequestParser& parser) {
  if (!parser.got_some() && unread().empty())
    co_return std::nullopt;  // between requests: nothing is owed
  if (transport_.take_expired())
    co_return HttpAnswer{408, "Request Timeout", "408: Request Timeout"};
  if (co_await stop_requested())
    co_return HttpAnswer{503, "Service Unavailable", "503: Service Unavailable"};
  co_return std::nullopt;
}

Task<HttpAnswer> HttpSession::answer() {
  auto answer = co_await handler_.answer(request_);
  if (answer) co_return std::move(*answer);
  if (answer.error().code() != Errc::cancelled) failure_ = answer.error();
  co_return HttpAnswer{503, "Service Unavailable", "503: Service Unavailable"};
}

void HttpSession::compose(const HttpAnswer& response, const RequestParser& parser, Next next) {
  // Piece by piece: this is written for every request, and formatting is slow.
  out_.assign("HTTP/1.1 ").append(fmt::format_int(response.status).c_str()).append(" ");
  out_.append(response.reason);
  out_.append("\r\nContent-Type: ").append(response.type).append("\r\nContent-Length: ");
  out_.append(fmt::format_int(response.body.size()).c_str()).append("\r\nDate: ").append(date());
  out_.append("\r\n").append(response.header);
  if (next != Next::request) {
    out_ += "Connection: close\r\n";
  } else if (request_.is_http_1_0()) {
    out_ += "Connection: keep-alive\r\n";
  }
  out_ += "\r\n";
  if (!parser.is_header_done() || request_.method() != "HEAD") out_ += response.body;
}

std::string_view HttpSession::date() {
  const auto now = std::chrono::floor<std::chrono::seconds>(loop_.clock().wall());
  if (date_.empty() || now != date_made_) {
    date_ =
        fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now.time_since_epoch().count()));
    date_made_ = now;
  }
  return date_;
}

Task<bool> HttpSession::read_more() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (end_ == buffer_.size()) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
  }
  const std::size_t size = co_await transport_.read_some(std::span(buffer_).subspan(end_));
  end_ += size;
  co_return size > 0;
}

}  // namespace millrace::net
