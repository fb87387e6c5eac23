// SPDX-License-Identifier: Apache-2.0
#include "native/hand_over.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "native/texts.hpp"

namespace millrace::native {
namespace {

// What may wait; a batch is taken as a whole while there is less.
constexpr std::size_t kMostWaitingEvents = 4096;
constexpr std::size_t kMostWaitingBytes = std::size_t{8} << 20;
// Of one batch.
constexpr std::size_t kMostEvents = 65'536;
constexpr std::size_t kMostBytes = std::size_t{64} << 20;

}  // namespace

Result<TextBatch> copy_texts(const millrace_text* events, std::size_t count) {
  if (count > kMostEvents)
    return fail(Errc::invalid_event, "{} events at once are too many", count);
  TextBatch batch;
  batch.ends.reserve(count);
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (view(events[i]).size() > kMostBytes - size)
      return fail(Errc::invalid_event, "the events of a batch are too large");
    size += view(events[i]).size();
    batch.ends.push_back(static_cast<std::uint32_t>(size));
  }
  auto texts = std::make_shared_for_overwrite<char[]>(size + kTextPadding);
  char* at = texts.get();
  for (std::size_t i = 0; i < count; ++i) {
    const auto text = view(events[i]);
    at = std::copy(text.begin(), text.end(), at);
  }
  batch.texts = std::move(texts);
  return batch;
}

EventBatch events_of(TextBatch batch) {
  EventBatch made;
  made.events.reserve(batch.ends.size());
  const char* const begin = batch.texts.get();
  std::size_t at = 0;
  for (const std::size_t end : batch.ends) {
    made.events.emplace_back(Event::Text{.json = {begin + at, begin + end}});
    at = end;
  }
  made.memory = std::move(batch.texts);
  if (batch.settlement) {
    made.delivery.settled = [settlement = std::move(batch.settlement)] { settlement->settled(); };
  }
  return made;
}

bool HandOver::give(TextBatch batch, const std::function<std::shared_ptr<Settlement>()>& settle) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] {
    return stopped_ || (events_ < kMostWaitingEvents && bytes_ < kMostWaitingBytes);
  });
  if (stopped_) return false;
  if (settle) batch.settlement = settle();
  events_ += std::max<std::size_t>(batch.ends.size(), 1);  // nothing at all takes room, too
  bytes_ += batch.bytes();
  batches_.push_back(std::move(batch));
  const bool news = !std::exchange(announced_, true);
  lock.unlock();
  if (news) {
    loop_.call_soon_threadsafe([self = shared_from_this()] { self->changed_.notify_all(); });
  }
  return true;
}

void HandOver::finish(Result<> outcome) {
  loop_.call_soon_threadsafe([self = shared_from_this(), outcome = std::move(outcome)] {
    self->outcome_ = outcome;
    self->changed_.notify_all();
  });
}

std::vector<TextBatch> HandOver::take() {
  const std::scoped_lock lock(mutex_);
  announced_ = false;
  events_ = 0;
  bytes_ = 0;
  room_.notify_all();
  return std::exchange(batches_, {});
}

void HandOver::stop() {
  stop_.request();
  const std::scoped_lock lock(mutex_);
  stopped_ = true;
  room_.notify_all();
}

}  // namespace millrace::native
