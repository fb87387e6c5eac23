// SPDX-License-Identifier: Apache-2.0
#include "consumer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "millrace/base/text.hpp"

namespace millrace::amqp_source {
namespace {

constexpr int kParts = 4;  // of the prefetch, at least
constexpr auto kLagEvery = std::chrono::seconds(5);

Error too_large(const messaging::AmqpMessage& message, std::size_t most) {
  return fail(Errc::invalid_event, "a message of {} is left out: max_message_size is {}",
              human_bytes(static_cast<double>(message.oversized)),
              human_bytes(static_cast<double>(most)));
}

}  // namespace

Task<Result<>> Consumer::start() {
  auto opened = co_await messaging::AmqpConnection::open(context_.loop(), settings_.connection);
  if (!opened) co_return opened.error();
  link_ = std::make_shared<Link>(std::move(*opened), Unsettled(), &context_.status());
  auto& connection = *link_->connection;
  queue_ = settings_.queue.name;
  if (settings_.declares_queue) {
    auto declared = co_await connection.declare_queue(settings_.queue);
    if (!declared) co_return declared.error();
    queue_ = std::move(*declared);
  }
  if (settings_.declared_exchange) {
    auto declared = co_await connection.declare_exchange(*settings_.declared_exchange);
    if (!declared) co_return declared;
  }
  if (!settings_.exchange.empty()) {
    for (const auto& key : settings_.routing_keys) {
      auto bound = co_await connection.bind_queue(queue_, settings_.exchange, key);
      if (!bound) co_return bound;
    }
  }
  co_return co_await connection.consume(queue_, settings_.prefetch);
}

Task<Result<>> Consumer::run() {
  while (true) {
    co_await ask_for_lag();
    auto received = co_await link_->connection->receive();
    if (!received && received.error().code() == Errc::cancelled) co_return received.error();
    if (!received) co_return Result<>();
    if (auto emitted = co_await emit(std::move(*received)); !emitted) co_return emitted;
  }
}

// In parts, so that the server sends more while the first of them are worked on.
Task<Result<>> Consumer::emit(messaging::AmqpBatch received) {
  const std::size_t most = std::max(1, settings_.prefetch / kParts);
  for (std::span left(received.messages); !left.empty();) {
    const auto part = left.first(std::min(most, left.size()));
    left = left.subspan(part.size());
    auto& lag = context_.status().lag;
    if (lag) *lag -= std::min<std::uint64_t>(*lag, part.size());
    if (auto emitted = co_await emit_part(part, received.memory); !emitted) co_return emitted;
  }
  co_return Result<>();
}

Task<Result<>> Consumer::emit_part(std::span<messaging::AmqpMessage> messages,
                                   std::shared_ptr<const void> memory) {
  const auto batch = std::make_shared<Batch>();  // shared by the two functions of its delivery
  batch->first = messages.front().tag;
  batch->last = messages.back().tag;
  link_->unsettled.add(batch->first, batch->last);
  EventBatch made{.events = {}, .memory = std::move(memory), .delivery = {}};
  for (auto& message : messages) {
    if (message.oversized > 0) {
      context_.refuse(message.tag, too_large(message, settings_.connection.max_message));
      batch->refused.insert(message.tag);
      continue;
    }
    batch->tags.push_back(message.tag);
    made.events.push_back(event_of(std::move(message), settings_.format, context_.limits()));
  }
  if (made.events.empty()) {
    settle(*link_, *batch);
    co_return Result<>();
  }
  made.delivery.taken = [batch](const std::vector<Rejection>& rejections) {
    for (const auto& rejection : rejections) batch->refused.insert(batch->tags.at(rejection.index));
  };
  made.delivery.settled = [batch, link = link_] { settle(*link, *batch); };
  co_return co_await context_.emit(std::move(made));
}

void Consumer::settle(Link& link, const Batch& batch) {
  auto& connection = *link.connection;
  for (const auto tag : batch.refused) connection.reject(tag);
  if (link.unsettled.settle(batch.first, batch.last)) {
    connection.acknowledge_up_to(batch.last);
  } else {
    for (auto tag = batch.first; tag <= batch.last; ++tag) {
      if (!batch.refused.contains(tag)) connection.acknowledge(tag);
    }
  }
  if (link.status != nullptr && !connection.failure())
    link.status->acknowledged += batch.last - batch.first + 1;
}

// Whatever goes wrong, the next receive() tells.
Task<> Consumer::ask_for_lag() {
  const auto now = context_.clock().now();
  if (now - lag_asked_ < kLagEvery) co_return;
  lag_asked_ = now;
  const auto depth = co_await link_->connection->depth(queue_);
  if (depth) context_.status().lag = *depth;
}

}  // namespace millrace::amqp_source
