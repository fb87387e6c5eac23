// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/source.hpp"

#include <memory>
#include <optional>
#include <utility>

#include "millrace/loop/channel.hpp"

namespace millrace {
namespace {

using Rejections = std::vector<Rejection>;

// What becomes of a batch. The delivery holds it and the task that waits does too, so there is no
// single owner.
struct Fate {
  Waiters known;
  std::optional<Result<Rejections>> result;

  void tell(Result<Rejections> what) {
    result = std::move(what);
    known.notify_all();
  }
};

// The delivery's end of a fate: one that lets go without a word has dropped the event.
class Teller {
 public:
  explicit Teller(std::shared_ptr<Fate> fate) : fate_(std::move(fate)) {}
  Teller(const Teller&) = delete;
  Teller& operator=(const Teller&) = delete;
  ~Teller() {
    if (!fate_->result) fate_->tell(Error(Errc::cancelled, "the engine is ending"));
  }
  void tell(Result<Rejections> what) { fate_->tell(std::move(what)); }

 private:
  const std::shared_ptr<Fate> fate_;
};

std::shared_ptr<Fate> follow(EventBatch& batch) {
  auto fate = std::make_shared<Fate>();
  batch.delivery.taken = [teller = std::make_shared<Teller>(fate)](const Rejections& rejected) {
    teller->tell(rejected);
  };
  return fate;
}

}  // namespace

std::string_view to_text(SourceStatus::Link link) {
  using enum SourceStatus::Link;
  switch (link) {
    case none:
      return "none";
    case connecting:
      return "connecting";
    case up:
      return "up";
    case retrying:
      return "retrying";
  }
  return "?";
}

Task<Result<>> SourceContext::emit(Value data) {
  EventBatch batch;
  batch.events.emplace_back(std::move(data));
  co_return co_await emit(std::move(batch));
}

Task<Result<>> SourceContext::accept(Event event, std::shared_ptr<const void> memory) {
  EventBatch batch;
  batch.events.push_back(std::move(event));
  batch.memory = std::move(memory);
  const auto fate = follow(batch);
  if (auto emitted = co_await emit(std::move(batch)); !emitted) co_return emitted.error();
  // Also when the source is asked to stop: an event that the engine has may still be acted upon,
  // and whoever sent it must not be told otherwise.
  while (!fate->result) co_await fate->known.wait_to_the_end();
  if (!*fate->result) co_return fate->result->error();
  co_return (*fate->result)->empty() ? Result<>() : Result<>((*fate->result)->front().error);
}

Task<Result<std::vector<Rejection>>> SourceContext::accept(EventBatch batch) {
  const auto fate = follow(batch);
  if (auto emitted = co_await emit(std::move(batch)); !emitted) co_return emitted.error();
  while (!fate->result) co_await fate->known.wait_to_the_end();
  co_return std::move(*fate->result);
}

}  // namespace millrace
