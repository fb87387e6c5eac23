// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "millrace/base/log.hpp"
#include "millrace/loop/backoff.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/messaging/publisher.hpp"

namespace millrace::messaging {

/// Publishes by one connection, which it makes at the first message and again after a loss. What is
/// not confirmed when the connection is lost is sent again, until its time is over: the broker may
/// get it twice.
template <class Connection>
class ReconnectingPublisher : public Publisher {
 public:
  Task<Result<>> publish(OutgoingMessage message) final {
    const auto deadline = loop_.clock().now() + timeout_;
    Backoff backoff({});
    while (true) {
      auto tried = co_await try_once(message, deadline);
      const auto left = deadline - loop_.clock().now();
      if (tried || !is_passing(tried.error()) || left <= Duration::zero()) co_return tried;
      if (!std::exchange(told_, true))
        log_.warning(name_, "{}; it is tried again", tried.error().message());
      if (auto slept = co_await loop_.sleep_for(std::min(backoff.next(), left)); !slept)
        co_return slept;
    }
  }

 protected:
  ReconnectingPublisher(MainLoop& loop, Log& log, std::string name, Duration timeout)
      : loop_(loop), log_(log), name_(std::move(name)), timeout_(timeout) {}

  virtual Task<Result<std::unique_ptr<Connection>>> connect() = 0;
  virtual Task<Result<>> send(Connection& connection, const OutgoingMessage& message,
                              Duration timeout) = 0;
  MainLoop& loop() { return loop_; }

 private:
  Task<Result<>> try_once(const OutgoingMessage& message, Instant deadline) {
    const auto connected = co_await connection();
    if (!connected) co_return connected.error();
    const auto left = deadline - loop_.clock().now();
    if (left <= Duration::zero()) co_return fail(Errc::timeout, "there was no connection in time");
    co_return co_await send(**connected, message, left);
  }

  // Shared by the messages under way: it goes when the last of them has ended.
  Task<Result<std::shared_ptr<Connection>>> connection() {
    while (connecting_) {
      if (auto waited = co_await connected_.wait(); !waited) co_return waited.error();
      if (!connecting_ && refused_) co_return *refused_;
    }
    if (connection_ && !connection_->failure()) co_return connection_;
    connecting_ = true;
    refused_.reset();
    auto made = co_await connect();
    connecting_ = false;
    connected_.notify_all();
    if (!made) {
      // For all who waited; but that one of them was cancelled is nobody else's affair.
      if (made.error().code() != Errc::cancelled) refused_ = made.error();
      co_return made.error();
    }
    connection_ = std::move(*made);
    if (std::exchange(told_, false)) log_.info(name_, "connected again");
    co_return connection_;
  }

  static bool is_passing(const Error& why) {
    return why.code() == Errc::unavailable || why.code() == Errc::timeout;
  }

  MainLoop& loop_;
  Log& log_;
  const std::string name_;
  const Duration timeout_;
  std::shared_ptr<Connection> connection_;
  bool connecting_ = false;
  std::optional<Error> refused_;  // the last try to connect
  Waiters connected_;
  bool told_ = false;  // of a loss
};

}  // namespace millrace::messaging
