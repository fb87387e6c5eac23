// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/channel.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace millrace {

Task<Result<>> Waiters::wait() {
  if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
  // A timer that never falls due is Asio's way to park a coroutine until somebody cancels it.
  asio::steady_timer parked(co_await asio::this_coro::executor,
                            asio::steady_timer::time_point::max());
  Waiter waiter{.wake = [&parked] { parked.cancel(); }};
  const auto place = waiting_.insert(waiting_.end(), &waiter);
  boost::system::error_code woken;
  co_await parked.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  if (waiter.notified) co_return Result<>();
  waiting_.erase(place);
  co_return Error(Errc::cancelled, "asked to stop");
}

Task<> Waiters::wait_to_the_end() {
  asio::steady_timer parked(co_await asio::this_coro::executor,
                            asio::steady_timer::time_point::max());
  Waiter waiter{.wake = [&parked] { parked.cancel(); }};
  waiting_.push_back(&waiter);
  boost::system::error_code woken;
  // Without a slot the request to stop does not reach the timer.
  co_await parked.async_wait(asio::bind_cancellation_slot(
      asio::cancellation_slot(), asio::redirect_error(asio::use_awaitable, woken)));
}

void Waiters::notify_one() {
  if (waiting_.empty()) return;
  Waiter& waiter = *waiting_.front();
  waiting_.pop_front();
  waiter.notified = true;
  waiter.wake();
}

void Waiters::notify_all() {
  while (!waiting_.empty()) notify_one();
}

}  // namespace millrace
