// SPDX-License-Identifier: Apache-2.0
#include "transport.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace millrace::net {
namespace {

using namespace std::chrono_literals;
using boost::system::error_code;

constexpr Duration kHandshakeTime = 10s;
constexpr Duration kWriteTime = 30s;
constexpr Duration kLastWriteTime = 500ms;  // when the task was asked to stop
constexpr Duration kGoodbyeTime = 2s;
constexpr Duration kAgainTime = 1s;

}  // namespace

void Deadline::set(Duration from_now) {
  due_ = loop_.clock().now() + from_now;
  if (timer_ && due_ >= timer_->first) return;  // it rings early, and is set again then
  disarm();
  arm();
}

void Deadline::arm() {
  timer_ = loop_.call_later(due_ - loop_.clock().now(), [this] { on_timer(); });
}

void Deadline::disarm() {
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
}

void Deadline::on_timer() {
  timer_.reset();
  if (due_ == Instant::max()) return;
  if (loop_.clock().now() < due_) {
    arm();
    return;
  }
  due_ = Instant::max();
  passed_();
}

Transport::Transport(Tcp::socket socket, asio::ssl::context* tls, MainLoop& loop)
    : socket_(std::move(socket)), deadline_(loop, [this] { on_deadline(); }) {
  error_code
      ignored;  // an answer goes out at once, not with the next one; no harm if it cannot be had
  socket_.set_option(Tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  if (tls != nullptr) tls_.emplace(socket_, *tls);
}

void Transport::on_deadline() {
  expired_ = true;
  error_code ignored;
  socket_.cancel(ignored);
  // An operation of several steps may have been between two of them, where there is nothing to
  // cancel.
  deadline_.set(kAgainTime);
}

Task<bool> Transport::handshake() {
  if (!tls_) co_return true;
  error_code error;
  expire_after(kHandshakeTime);
  co_await tls_->async_handshake(asio::ssl::stream_base::server,
                                 asio::redirect_error(asio::use_awaitable, error));
  never_expire();
  co_return !error && !expired_;
}

Task<std::size_t> Transport::read_some(std::span<char> into) {
  if (expired_ || co_await stop_requested()) co_return 0;
  error_code error;
  const auto buffer = asio::buffer(into.data(), into.size());
  std::size_t size = 0;
  if (tls_) {
    size = co_await tls_->async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
  } else {
    size =
        co_await socket_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
  }
  co_return error ? 0 : size;
}

Task<bool> Transport::write(std::string_view bytes) {
  error_code error;
  if (!tls_) {
    // An answer nearly always fits into the socket's buffer: no need to go through the loop for it.
    const std::size_t written = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
    if (!error) bytes.remove_prefix(written);
    if (bytes.empty()) co_return true;
    if (error && error != asio::error::would_block) co_return false;
  }
  expire_after(co_await stop_requested() ? kLastWriteTime : kWriteTime);
  const auto rest = asio::buffer(bytes.data(), bytes.size());
  if (tls_) {
    co_await asio::async_write(*tls_, rest, asio::redirect_error(asio::use_awaitable, error));
  } else {
    co_await asio::async_write(socket_, rest, asio::redirect_error(asio::use_awaitable, error));
  }
  never_expire();
  co_return !error;
}

Task<> Transport::close(Goodbye how) {
  error_code ignored;
  if (how == Goodbye::linger && !co_await stop_requested()) {
    expire_after(kGoodbyeTime);
    if (tls_) co_await tls_->async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
    tls_.reset();  // what still comes is not worth deciphering
    socket_.shutdown(Tcp::socket::shutdown_send, ignored);
    std::array<char, 4096> unread{};
    while (co_await read_some(unread) > 0) {
    }
  }
  never_expire();
  socket_.close(ignored);
}

}  // namespace millrace::net
