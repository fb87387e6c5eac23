// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/amqp_publisher.hpp"

#include <algorithm>
#include <utility>

#include "reconnecting_publisher.hpp"

namespace millrace::messaging {
namespace {

class ExchangePublisher final : public ReconnectingPublisher<AmqpConnection> {
 public:
  ExchangePublisher(MainLoop& loop, Log& log, AmqpPublisherOptions options)
      : ReconnectingPublisher(loop, log, "publisher.amqp", options.timeout),
        options_(std::move(options)) {}

 private:
  Task<Result<std::unique_ptr<AmqpConnection>>> connect() override {
    auto options = options_.connection;
    options.connect_timeout = std::min(options.connect_timeout, options_.timeout);
    return AmqpConnection::open(loop(), std::move(options));
  }

  Task<Result<>> send(AmqpConnection& connection, const OutgoingMessage& message,
                      Duration timeout) override {
    Object headers;
    for (const auto& [name, value] : message.headers) headers[name] = value;
    return connection.publish({.exchange = options_.exchange,
                               .routing_key = message.topic,
                               .body = message.body,
                               .content_type = message.content_type,
                               .headers = std::move(headers),
                               .persistent = options_.persistent,
                               .timeout = timeout});
  }

  const AmqpPublisherOptions options_;
};

}  // namespace

std::unique_ptr<Publisher> create_amqp_publisher(MainLoop& loop, Log& log,
                                                 AmqpPublisherOptions options) {
  return std::make_unique<ExchangePublisher>(loop, log, std::move(options));
}

}  // namespace millrace::messaging
