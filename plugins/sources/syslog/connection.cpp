// SPDX-License-Identifier: Apache-2.0
#include "connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace millrace::syslog {
namespace {

using boost::system::error_code;

constexpr Duration kHandshakeTime = std::chrono::seconds(10);

}  // namespace

Connection::Connection(Tcp::socket socket, asio::ssl::context* tls, MainLoop& loop)
    : loop_(loop), socket_(std::move(socket)) {
  if (tls != nullptr) tls_.emplace(socket_, *tls);
}

Task<error_code> Connection::handshake() {
  error_code error;
  if (!tls_) co_return error;
  close_after(kHandshakeTime);
  co_await tls_->async_handshake(asio::ssl::stream_base::server,
                                 asio::redirect_error(asio::use_awaitable, error));
  keep_open();
  co_return timed_out_ ? error_code(asio::error::timed_out) : error;
}

Task<std::string_view> Connection::read() {
  if (co_await stop_requested()) co_return std::string_view();
  error_code error;
  const auto buffer = asio::buffer(bytes_);
  std::size_t size = 0;
  if (tls_) {
    size = co_await tls_->async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
  } else {
    size =
        co_await socket_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
  }
  co_return std::string_view(bytes_.data(), error ? 0 : size);
}

void Connection::close_after(Duration limit) {
  keep_open();
  timer_ = loop_.call_later(limit, [this] { on_time(); });
}

void Connection::keep_open() {
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
}

// Closed, not cancelled: an operation of several steps may be between two of them.
void Connection::on_time() {
  timer_.reset();
  timed_out_ = true;
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace millrace::syslog
