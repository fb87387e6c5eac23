// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/amqp_connection.hpp"

#include <utility>

#include "amqp/session.hpp"

namespace millrace::messaging {

using amqp::bytes_of;

AmqpConnection::AmqpConnection(std::unique_ptr<Session> session) : session_(std::move(session)) {}
AmqpConnection::~AmqpConnection() = default;

Task<Result<std::unique_ptr<AmqpConnection>>> AmqpConnection::open(MainLoop& loop,
                                                                   AmqpOptions options) {
  auto session = Session::create(loop, std::move(options));
  if (!session) co_return session.error();
  std::unique_ptr<AmqpConnection> connection(new AmqpConnection(std::move(*session)));
  if (auto opened = co_await connection->session_->open(); !opened) co_return opened.error();
  co_return connection;
}

Task<Result<std::string>> AmqpConnection::declare_queue(AmqpQueue queue) {
  const amqp::Table arguments(queue.arguments);
  amqp_queue_declare_t declare{
      .queue = bytes_of(queue.name),
      .durable = queue.durable ? 1 : 0,
      .exclusive = queue.exclusive ? 1 : 0,
      .auto_delete = queue.auto_delete ? 1 : 0,
      .arguments = arguments.get(),
  };
  const auto declared =
      co_await session_->call(AMQP_QUEUE_DECLARE_METHOD, &declare, AMQP_QUEUE_DECLARE_OK_METHOD);
  if (!declared) co_return declared.error();
  co_return declared->text;
}

Task<Result<std::uint32_t>> AmqpConnection::depth(std::string queue) {
  amqp_queue_declare_t declare{.queue = bytes_of(queue), .passive = 1};
  const auto declared =
      co_await session_->call(AMQP_QUEUE_DECLARE_METHOD, &declare, AMQP_QUEUE_DECLARE_OK_METHOD);
  if (!declared) co_return declared.error();
  co_return declared->number;
}

Task<Result<>> AmqpConnection::declare_exchange(AmqpExchange exchange) {
  const amqp::Table arguments(exchange.arguments);
  amqp_exchange_declare_t declare{
      .exchange = bytes_of(exchange.name),
      .type = bytes_of(exchange.type),
      .durable = exchange.durable ? 1 : 0,
      .auto_delete = exchange.auto_delete ? 1 : 0,
      .arguments = arguments.get(),
  };
  const auto declared = co_await session_->call(AMQP_EXCHANGE_DECLARE_METHOD, &declare,
                                                AMQP_EXCHANGE_DECLARE_OK_METHOD);
  co_return declared ? Result<>() : declared.error();
}

Task<Result<>> AmqpConnection::bind_queue(std::string queue, std::string exchange,
                                          std::string routing_key) {
  amqp_queue_bind_t bind{.queue = bytes_of(queue),
                         .exchange = bytes_of(exchange),
                         .routing_key = bytes_of(routing_key)};
  const auto bound =
      co_await session_->call(AMQP_QUEUE_BIND_METHOD, &bind, AMQP_QUEUE_BIND_OK_METHOD);
  co_return bound ? Result<>() : bound.error();
}

Task<Result<>> AmqpConnection::consume(std::string queue, std::uint16_t prefetch) {
  amqp_basic_qos_t qos{.prefetch_count = prefetch};
  const auto limited =
      co_await session_->call(AMQP_BASIC_QOS_METHOD, &qos, AMQP_BASIC_QOS_OK_METHOD);
  if (!limited) co_return limited.error();
  amqp_basic_consume_t consume{.queue = bytes_of(queue)};
  const auto begun =
      co_await session_->call(AMQP_BASIC_CONSUME_METHOD, &consume, AMQP_BASIC_CONSUME_OK_METHOD);
  co_return begun ? Result<>() : begun.error();
}

Task<Result<AmqpBatch>> AmqpConnection::receive() { return session_->receive(); }

void AmqpConnection::acknowledge(std::uint64_t tag) {
  amqp_basic_ack_t ack{.delivery_tag = tag, .multiple = 0};
  session_->settle(AMQP_BASIC_ACK_METHOD, &ack);
}

void AmqpConnection::acknowledge_up_to(std::uint64_t tag) {
  amqp_basic_ack_t ack{.delivery_tag = tag, .multiple = 1};
  session_->settle(AMQP_BASIC_ACK_METHOD, &ack);
}

void AmqpConnection::reject(std::uint64_t tag) {
  amqp_basic_reject_t reject{.delivery_tag = tag, .requeue = 0};
  session_->settle(AMQP_BASIC_REJECT_METHOD, &reject);
}

void AmqpConnection::requeue(std::uint64_t tag) {
  amqp_basic_reject_t reject{.delivery_tag = tag, .requeue = 1};
  session_->settle(AMQP_BASIC_REJECT_METHOD, &reject);
}

Task<Result<>> AmqpConnection::publish(AmqpOutgoing message) {
  return session_->publish(std::move(message));
}

const std::optional<Error>& AmqpConnection::failure() const { return session_->failure(); }

}  // namespace millrace::messaging
