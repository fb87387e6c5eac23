// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <utility>

#include "millrace/base/result.hpp"
#include "millrace/loop/task.hpp"

namespace millrace {

/// Lets tasks wait until somebody says that something may have changed. Loop thread only.
class Waiters {
 public:
  Waiters() = default;
  Waiters(const Waiters&) = delete;
  Waiters& operator=(const Waiters&) = delete;

  /// Until notified. Errors: cancelled.
  Task<Result<>> wait();
  /// Until notified, also when the task is asked to stop: for a notification that is sure to come.
  Task<> wait_to_the_end();
  void notify_one();
  void notify_all();
  bool empty() const { return waiting_.empty(); }

 private:
  struct Waiter {
    std::function<void()> wake;
    bool notified = false;
  };
  std::list<Waiter*> waiting_;
};

/// A queue between tasks that is bounded by the weight of what it holds: push() waits while it is
/// full. Loop thread only. An item heavier than the capacity is taken when the queue is empty.
/// Pushes are served in the order in which they came, so a heavy item is not starved by light ones.
template <class T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : capacity_(capacity) {}

  /// Errors: cancelled; unavailable once closed.
  Task<Result<>> push(T item, std::size_t weight = 1) {
    if (!line_.empty() || !fits(weight)) {
      if (auto waited = co_await wait_in_line(weight); !waited) co_return waited.error();
    }
    if (closed_) co_return fail(Errc::unavailable, "the queue is closed");
    weight_ += weight;
    items_.emplace_back(std::move(item), weight);
    filled_.notify_one();
    room_.notify_all();  // there may be room for the next in line too
    co_return Result<>();
  }

  /// The next item, or nothing once the channel is closed and empty. Errors: cancelled.
  Task<Result<std::optional<T>>> pop() {
    while (items_.empty() && !closed_) {
      if (auto waited = co_await filled_.wait(); !waited) co_return waited.error();
    }
    co_return try_pop();
  }

  std::optional<T> try_pop() {
    if (items_.empty()) return std::nullopt;
    auto [item, weight] = std::move(items_.front());
    items_.pop_front();
    weight_ -= weight;
    room_.notify_all();
    return std::move(item);
  }

  /// No more items are taken; those inside can still be had.
  void close() {
    closed_ = true;
    filled_.notify_all();
    room_.notify_all();
  }
  /// Drops what is inside.
  void clear() {
    items_.clear();
    weight_ = 0;
    room_.notify_all();
  }

  bool closed() const { return closed_; }
  std::size_t size() const { return items_.size(); }
  std::size_t weight() const { return weight_; }

 private:
  bool fits(std::size_t weight) const {
    return items_.empty() || (weight <= capacity_ && weight_ <= capacity_ - weight);
  }

  Task<Result<>> wait_in_line(std::size_t weight) {
    const auto place = line_.emplace(line_.end());
    Result<> waited;
    while (waited && !closed_ && (place != line_.begin() || !fits(weight)))
      waited = co_await room_.wait();
    line_.erase(place);
    if (!waited) room_.notify_all();  // somebody else is first now
    co_return waited;
  }

  struct Place {};

  const std::size_t capacity_;
  std::deque<std::pair<T, std::size_t>> items_;
  std::size_t weight_ = 0;
  bool closed_ = false;
  Waiters filled_;
  Waiters room_;
  std::list<Place> line_;  ///< of pushes that wait
};

}  // namespace millrace
