// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/mqtt_publisher.hpp"

#include <algorithm>
#include <utility>

#include "reconnecting_publisher.hpp"

namespace millrace::messaging {
namespace {

class TopicPublisher final : public ReconnectingPublisher<MqttConnection> {
 public:
  TopicPublisher(MainLoop& loop, Log& log, MqttPublisherOptions options)
      : ReconnectingPublisher(loop, log, "publisher.mqtt", options.timeout),
        options_(std::move(options)) {}

 private:
  Task<Result<std::unique_ptr<MqttConnection>>> connect() override {
    auto options = options_.connection;
    options.connect_timeout = std::min(options.connect_timeout, options_.timeout);
    return MqttConnection::open(loop(), std::move(options));
  }

  Task<Result<>> send(MqttConnection& connection, const OutgoingMessage& message,
                      Duration timeout) override {
    return connection.publish({.topic = message.topic,
                               .body = message.body,
                               .retain = options_.retain,
                               .timeout = timeout});
  }

  const MqttPublisherOptions options_;
};

}  // namespace

std::unique_ptr<Publisher> create_mqtt_publisher(MainLoop& loop, Log& log,
                                                 MqttPublisherOptions options) {
  return std::make_unique<TopicPublisher>(loop, log, std::move(options));
}

}  // namespace millrace::messaging
