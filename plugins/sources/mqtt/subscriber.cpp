// SPDX-License-Identifier: Apache-2.0
#include "subscriber.hpp"

#include <algorithm>
#include <utility>

#include "millrace/base/text.hpp"

namespace millrace::mqtt_source {
namespace {

constexpr std::size_t kMostInBatch = 250;

Object meta_of(const messaging::MqttMessage& message) {
  Object meta{
      {"topic", valid_utf8(message.topic)}, {"qos", message.qos}, {"retain", message.retain}};
  if (message.duplicate) meta["duplicate"] = true;
  return meta;
}

Error too_large(const messaging::MqttMessage& message, std::size_t most) {
  return fail(Errc::invalid_event, "a message of {} is left out: max_message_size is {}",
              human_bytes(static_cast<double>(message.oversized)),
              human_bytes(static_cast<double>(most)));
}

}  // namespace

Task<Result<>> Subscriber::start() {
  auto opened = co_await messaging::MqttConnection::open(context_.loop(), settings_.connection);
  if (!opened) co_return opened.error();
  link_ = std::make_shared<Link>(std::move(*opened), &context_.status());
  co_return co_await link_->connection->subscribe(settings_.topics);
}

Task<Result<>> Subscriber::run() {
  while (true) {
    auto received = co_await link_->connection->receive();
    if (!received && received.error().code() == Errc::cancelled) co_return received.error();
    if (!received) co_return Result<>();
    for (std::span left(received->messages); !left.empty();) {
      const auto part = left.first(std::min(kMostInBatch, left.size()));
      left = left.subspan(part.size());
      if (auto emitted = co_await emit(part, received->memory); !emitted) co_return emitted;
    }
  }
}

Task<Result<>> Subscriber::emit(std::span<messaging::MqttMessage> messages,
                                std::shared_ptr<const void> memory) {
  EventBatch batch{.events = {}, .memory = std::move(memory), .delivery = {}};
  for (const auto& message : messages) {
    if (message.oversized > 0) {
      context_.refuse(message.number, too_large(message, settings_.connection.max_message));
      continue;
    }
    auto event = messaging::event_of_body(message.body, settings_.format, context_.limits());
    batch.events.push_back(std::move(event).with_meta(meta_of(message)).at(message.number));
  }
  const auto number = messages.back().number;
  link_->settled.emplace(number, false);
  if (batch.events.empty()) {
    settle(*link_, number, messages.size());
    co_return Result<>();
  }
  batch.delivery.settled = [number, count = messages.size(), link = link_] {
    settle(*link, number, count);
  };
  co_return co_await context_.emit(std::move(batch));
}

// The protocol wants acknowledgements in the order of the messages.
void Subscriber::settle(Link& link, std::uint64_t batch, std::size_t messages) {
  link.settled[batch] = true;
  if (link.status != nullptr && !link.connection->failure()) link.status->acknowledged += messages;
  while (!link.settled.empty() && link.settled.begin()->second) {
    link.connection->acknowledge_up_to(link.settled.begin()->first);
    link.settled.erase(link.settled.begin());
  }
}

}  // namespace millrace::mqtt_source
