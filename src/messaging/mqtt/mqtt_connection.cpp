// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/mqtt_connection.hpp"

#include <utility>

#include "mqtt/session.hpp"

namespace millrace::messaging {

MqttConnection::MqttConnection(std::unique_ptr<Session> session) : session_(std::move(session)) {}
MqttConnection::~MqttConnection() = default;

Task<Result<std::unique_ptr<MqttConnection>>> MqttConnection::open(MainLoop& loop,
                                                                   MqttOptions options) {
  auto session = Session::create(loop, std::move(options));
  if (!session) co_return session.error();
  std::unique_ptr<MqttConnection> connection(new MqttConnection(std::move(*session)));
  if (auto opened = co_await connection->session_->open(); !opened) co_return opened.error();
  co_return connection;
}

Task<Result<>> MqttConnection::subscribe(std::vector<MqttTopic> topics) {
  return session_->subscribe(std::move(topics));
}

Task<Result<MqttBatch>> MqttConnection::receive() { return session_->receive(); }

void MqttConnection::acknowledge_up_to(std::uint64_t number) {
  session_->acknowledge_up_to(number);
}

Task<Result<>> MqttConnection::publish(MqttOutgoing message) {
  return session_->publish(std::move(message));
}

const std::optional<Error>& MqttConnection::failure() const { return session_->failure(); }

}  // namespace millrace::messaging
