// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "millrace/event/event.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/plugin.h"
#include "native/stop_signal.hpp"

namespace millrace::native {

/// What became of a batch, told to the plugin exactly once: at the latest when this goes. Loop
/// thread only.
class Settlement {
 public:
  /// Told on the loop thread.
  using Tell = std::function<void(millrace_status outcome)>;

  explicit Settlement(Tell tell) : tell_(std::move(tell)) {}
  Settlement(const Settlement&) = delete;
  Settlement& operator=(const Settlement&) = delete;
  ~Settlement() {
    if (tell_) tell_(MILLRACE_STOP);
  }
  void settled() { std::exchange(tell_, nullptr)(MILLRACE_OK); }

 private:
  Tell tell_;
};

/// Events on their way from a plugin's thread to the loop thread: their texts one behind the other,
/// with kTextPadding bytes behind the last, and where each ends. As small as can be, because it
/// wanders from one processor to another.
struct TextBatch {
  std::shared_ptr<const char[]> texts;
  std::vector<std::uint32_t> ends;
  std::shared_ptr<Settlement> settlement;  ///< shared with the engine, which copies it; may be null

  std::size_t bytes() const { return ends.empty() ? 0 : ends.back(); }
};

/// Copies what the plugin gives. Errors: invalid_event when it is too much.
Result<TextBatch> copy_texts(const millrace_text* events, std::size_t count);

/// The batch as the engine takes it.
EventBatch events_of(TextBatch batch);

/// Between the thread of a source and the task that serves it: bounded, so that the thread waits
/// while the engine is behind. Shared by both, and by what is posted to the loop.
class HandOver : public std::enable_shared_from_this<HandOver> {
 public:
  explicit HandOver(MainLoop& loop) : loop_(loop) {}

  // Any thread.
  /// Waits while it is full; false when asked to stop. `settle` is called only if it is taken.
  bool give(TextBatch batch, const std::function<std::shared_ptr<Settlement>()>& settle);
  /// The thread has given its last; with what it ended.
  void finish(Result<> outcome);
  StopSignal& stop_signal() { return stop_; }

  // Loop thread.
  /// All that has been given, in order.
  std::vector<TextBatch> take();
  /// Nothing more is taken; waits on the thread's side end.
  void stop();
  /// Set when the thread has ended.
  const std::optional<Result<>>& outcome() const { return outcome_; }
  /// Notified when something was given, or the thread has ended.
  Waiters& changed() { return changed_; }

 private:
  MainLoop& loop_;
  StopSignal stop_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable room_;
  std::vector<TextBatch> batches_;
  std::size_t events_ = 0;
  std::size_t bytes_ = 0;
  bool announced_ = false;  ///< the loop knows that there is something
  bool stopped_ = false;
  // Loop thread only.
  std::optional<Result<>> outcome_;
  Waiters changed_;
};

}  // namespace millrace::native
