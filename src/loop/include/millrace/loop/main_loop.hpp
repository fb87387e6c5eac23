// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <utility>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/loop/task.hpp"

namespace millrace {

/// The one thread that owns the engine's state: callbacks, timers, signals and coroutines run here,
/// one after another.
///
/// Time is the given clock's. With a SystemClock the loop waits for real; with a ManualClock timers
/// fall due only in advance(), in order, so that a test of an hour takes no time.
///
/// Only call_soon_threadsafe() and stop() may be called from another thread. SIGPIPE is ignored
/// once there is a loop: a reader that has gone away is an error of the write, not the end of the
/// engine.
class MainLoop {
 public:
  using Callback = std::function<void()>;
  using TimerId = std::pair<Instant, std::uint64_t>;

  explicit MainLoop(const Clock& clock);
  explicit MainLoop(ManualClock& clock);
  MainLoop(const MainLoop&) = delete;
  MainLoop& operator=(const MainLoop&) = delete;
  ~MainLoop();

  const Clock& clock() const { return clock_; }
  asio::any_io_executor executor() { return context_.get_executor(); }

  void call_soon(Callback callback);
  void call_soon_threadsafe(Callback callback);
  /// Timers that fall due together run in the order in which they were set.
  TimerId call_later(Duration delay, Callback callback);
  /// Nothing happens if the timer has run already.
  void cancel(TimerId timer);

  /// Ends with Errc::cancelled if the task is asked to stop meanwhile.
  Task<Result<>> sleep_for(Duration delay);
  /// Lets whatever is ready run before the task goes on.
  Task<> yield();

  /// `callback` runs for every arrival of the signal from now on. The default action no longer
  /// happens.
  void on_signal(int number, std::function<void()> callback);

  /// Runs until stop(), or until nothing is left to do: no callback, timer, signal to watch for, or
  /// task.
  void run();
  /// Ends run(), this one or the next, after the callbacks given until now.
  void stop();

  /// Tests: runs what is ready, without waiting.
  void run_ready();
  /// Tests with a ManualClock: moves time, running each timer at its moment and what it makes
  /// ready.
  void advance(Duration by);
  /// Tests: runs the task to its end, waiting for real where other threads or the system are
  /// involved.
  void run_until_done(Task<> task);
  /// Tests: runs, waiting for real, until `done`; false if that takes longer than `limit`.
  bool run_until(const std::function<bool()>& done, Duration limit = std::chrono::seconds(10));

 private:
  struct SignalWatch;
  MainLoop(const Clock& clock, ManualClock* manual);
  void arm();
  void run_due();

  const Clock& clock_;
  ManualClock* const manual_;
  asio::io_context context_;
  std::map<TimerId, Callback> timers_;
  std::uint64_t next_timer_ = 0;
  struct Alarm;
  std::unique_ptr<Alarm> alarm_;
  std::list<std::unique_ptr<SignalWatch>> signals_;
};

}  // namespace millrace
