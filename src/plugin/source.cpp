// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/source.hpp"

#include <optional>
#include <utility>

#include "millrace/loop/channel.hpp"

namespace millrace {

Task<Result<>> SourceContext::emit(Value data) {
  EventBatch batch;
  batch.events.emplace_back(std::move(data));
  co_return co_await emit(std::move(batch));
}

Task<Result<>> SourceContext::accept(Event event, std::shared_ptr<const void> memory) {
  // Shared with the delivery, which may be told after this task was cancelled.
  struct Answer {
    Waiters told;
    std::optional<Result<>> result;
  };
  const auto answer = std::make_shared<Answer>();
  EventBatch batch;
  batch.events.push_back(std::move(event));
  batch.memory = std::move(memory);
  batch.delivery.taken = [answer](const std::vector<Rejection>& rejected) {
    answer->result = rejected.empty() ? Result<>() : Result<>(rejected.front().error);
    answer->told.notify_all();
  };
  if (auto emitted = co_await emit(std::move(batch)); !emitted) co_return emitted.error();
  while (!answer->result) {
    if (auto waited = co_await answer->told.wait(); !waited) co_return waited.error();
  }
  co_return *answer->result;
}

}  // namespace millrace
