// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/task.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cassert>
#include <cstdlib>
#include <utility>

namespace millrace {
namespace {

bool is_cancellation(const std::exception_ptr& why) {
  try {
    std::rethrow_exception(why);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

// What co_spawn() calls at the task's end. It names its cancellation slot, but no executor: for a
// handler with an executor (as bind_cancellation_slot() makes one) Asio dispatches the signal, and
// when that is not at once, the signal reaches a task that has gone meanwhile.
struct TaskGroup::Ending {
  using cancellation_slot_type = asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return child->stop.slot(); }
  void operator()(const std::exception_ptr& why) const { group->on_end(child, why); }

  TaskGroup* group;
  std::list<Child>::iterator child;
};

TaskGroup::TaskGroup(asio::any_io_executor executor, OnFailure on_failure)
    : executor_(std::move(executor)), on_failure_(std::move(on_failure)) {}

// The first coroutine of every task. It begins by a post, because co_spawn() alone would begin at
// once when called on the loop thread. Until then no signal is sent: Asio's own first coroutine
// would throw on it.
Task<> TaskGroup::run(std::list<Child>::iterator child, Task<> task) {
  // Operations report cancellation as a value; the next co_await must not throw on top of that.
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::post(asio::use_awaitable);
  if (stopping_) co_return;
  child->begun = true;
  co_await std::move(task);
}

TaskGroup::~TaskGroup() {
  if (!children_.empty()) std::abort();  // a task would outlive what it uses
}

void TaskGroup::spawn(std::string name, Task<> task, std::function<void()> ended) {
  if (stopping_) return;
  const auto child = children_.emplace(children_.end());
  child->name = std::move(name);
  child->ended = std::move(ended);
  asio::co_spawn(executor_, run(child, std::move(task)), Ending{this, child});
}

void TaskGroup::request_stop() {
  stopping_ = true;
  // A task that ends at once takes itself out of the list.
  for (auto child = children_.begin(); child != children_.end();) {
    const auto next = std::next(child);
    if (child->begun) child->stop.emit(asio::cancellation_type::terminal);
    child = next;
  }
}

Task<> TaskGroup::join() {
  while (!children_.empty()) {
    asio::steady_timer idle(executor_, asio::steady_timer::time_point::max());
    joiners_.emplace_back([&idle] { idle.cancel(); });
    boost::system::error_code woken;
    // This wait alone is out of cancellation's reach; to disable it for the coroutine would disable
    // it for good.
    co_await idle.async_wait(asio::bind_cancellation_slot(
        asio::cancellation_slot(), asio::redirect_error(asio::use_awaitable, woken)));
  }
}

void TaskGroup::on_end(std::list<Child>::iterator child, const std::exception_ptr& why) {
  const auto ended = std::move(child->ended);
  const auto name = std::move(child->name);
  children_.erase(child);
  if (why && !is_cancellation(why) && on_failure_) on_failure_(name, why);
  if (ended) ended();
  if (!children_.empty()) return;
  for (const auto joiners = std::exchange(joiners_, {}); const auto& wake : joiners) wake();
}

Task<bool> stop_requested() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace millrace
