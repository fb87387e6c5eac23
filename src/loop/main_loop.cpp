// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/main_loop.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <exception>
#include <limits>

#include "millrace/loop/channel.hpp"

namespace millrace {

struct MainLoop::Alarm {
  explicit Alarm(asio::io_context& context) : timer(context) {}
  asio::steady_timer timer;
  Instant armed_for = Instant::max();
};

struct MainLoop::SignalWatch {
  SignalWatch(asio::io_context& context, int number, std::function<void()> then)
      : signals(context, number), callback(std::move(then)) {}
  void wait() {
    signals.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      callback();
      wait();
    });
  }
  asio::signal_set signals;
  std::function<void()> callback;
};

// One thread runs the context, so Asio needs fewer locks; posting from other threads stays safe.
MainLoop::MainLoop(const Clock& clock, ManualClock* manual)
    : clock_(clock), manual_(manual), context_(1), alarm_(std::make_unique<Alarm>(context_)) {
  std::signal(SIGPIPE, SIG_IGN);
}

MainLoop::MainLoop(const Clock& clock) : MainLoop(clock, nullptr) {}

MainLoop::MainLoop(ManualClock& clock) : MainLoop(clock, &clock) {}

MainLoop::~MainLoop() = default;

void MainLoop::call_soon(Callback callback) { asio::post(context_, std::move(callback)); }

void MainLoop::call_soon_threadsafe(Callback callback) {
  asio::post(context_, std::move(callback));
}

MainLoop::TimerId MainLoop::call_later(Duration delay, Callback callback) {
  const Instant now = clock_.now();
  const Instant due =
      delay > Instant::max() - now ? Instant::max() : now + std::max(delay, Duration::zero());
  const TimerId id{due, next_timer_++};
  timers_.emplace(id, std::move(callback));
  arm();
  return id;
}

void MainLoop::cancel(TimerId timer) {
  if (timers_.erase(timer) == 0 || !timers_.empty() || manual_ != nullptr) return;
  alarm_->timer.cancel();  // an alarm for nobody would keep run() from its end
  alarm_->armed_for = Instant::max();
}

// The alarm is set for the earliest timer; one that rings for a cancelled timer finds nothing due
// and is set again.
void MainLoop::arm() {
  if (manual_ != nullptr || timers_.empty()) return;
  const Instant due = timers_.begin()->first.first;
  if (due >= alarm_->armed_for) return;
  alarm_->armed_for = due;
  alarm_->timer.expires_after(due - clock_.now());
  alarm_->timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    alarm_->armed_for = Instant::max();
    run_due();
    arm();
  });
}

void MainLoop::run_due() {
  const Instant now = clock_.now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto timer = timers_.extract(timers_.begin());
    timer.mapped()();
  }
}

Task<Result<>> MainLoop::sleep_for(Duration delay) {
  Waiters due;
  const auto timer = call_later(delay, [&due] { due.notify_one(); });
  auto slept = co_await due.wait();
  if (!slept) cancel(timer);
  co_return slept;
}

Task<> MainLoop::yield() { co_await asio::post(context_, asio::use_awaitable); }

void MainLoop::on_signal(int number, std::function<void()> callback) {
  signals_.push_back(std::make_unique<SignalWatch>(context_, number, std::move(callback)));
  signals_.back()->wait();
}

void MainLoop::run() {
  context_.restart();
  context_.run();
}

// Not context_.stop() itself: run() must restart the context and would not know of a stop that came
// before.
void MainLoop::stop() {
  asio::post(context_, [this] { context_.stop(); });
}

void MainLoop::run_ready() {
  context_.restart();
  context_.poll();
}

void MainLoop::advance(Duration by) {
  const Instant target = clock_.now() + by;
  run_ready();
  while (!timers_.empty() && timers_.begin()->first.first <= target) {
    manual_->advance(std::max(timers_.begin()->first.first - clock_.now(), Duration::zero()));
    run_due();
    run_ready();
  }
  manual_->advance(target - clock_.now());
}

void MainLoop::run_until_done(Task<> task) {
  bool done = false;
  std::exception_ptr failure;
  asio::co_spawn(context_, std::move(task), [&](std::exception_ptr why) {
    done = true;
    failure = std::move(why);
  });
  context_.restart();
  while (!done && context_.run_one() > 0) {
  }
  if (failure) std::rethrow_exception(failure);
}

bool MainLoop::run_until(const std::function<bool()>& done, Duration limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    context_.restart();
    context_.run_one_until(
        std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(5)));
    if (std::chrono::steady_clock::now() >= deadline) return done();
  }
  return true;
}

}  // namespace millrace
