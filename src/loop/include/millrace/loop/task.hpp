// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <exception>
#include <functional>
#include <list>
#include <string>
#include <string_view>

#include "millrace/base/result.hpp"

namespace millrace {

namespace asio = boost::asio;

/// A coroutine that runs on the loop thread. Started only through a TaskGroup, or awaited by
/// another task. Named functions or members only: a capturing lambda would die before its
/// coroutine.
template <class T = void>
using Task = asio::awaitable<T>;

/// Owns the coroutines that a component has started: the owner can stop them and wait for them.
/// Loop thread only.
class TaskGroup {
 public:
  /// Told of a task that ended by an exception other than cancellation: a bug, or a third party's.
  using OnFailure = std::function<void(std::string_view task, std::exception_ptr why)>;

  TaskGroup(asio::any_io_executor executor, OnFailure on_failure);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();  ///< aborts unless empty: join() first

  /// Starts the task soon, not at once. `ended`, if given, is called when it is over, also when it
  /// failed, and also when it was stopped before it had begun: then it never begins. Refused
  /// (dropped, without a call of `ended`) once stopping.
  void spawn(std::string name, Task<> task, std::function<void()> ended = {});

  /// Asks every task to stop: its pending operation ends with Errc::cancelled. Later spawns are
  /// dropped.
  void request_stop();
  bool stopping() const { return stopping_; }

  /// Waits until no task is left. Asking the waiting task to stop does not shorten the wait; it is
  /// seen afterwards.
  Task<> join();
  std::size_t size() const { return children_.size(); }

 private:
  struct Child {
    std::string name;
    asio::cancellation_signal stop;
    std::function<void()> ended;
    bool begun = false;
  };
  struct Ending;
  Task<> run(std::list<Child>::iterator child, Task<> task);
  void on_end(std::list<Child>::iterator child, const std::exception_ptr& why);

  asio::any_io_executor executor_;
  OnFailure on_failure_;
  std::list<Child> children_;
  std::list<std::function<void()>> joiners_;
  bool stopping_ = false;
};

/// Whether the running task was asked to stop.
Task<bool> stop_requested();

}  // namespace millrace
