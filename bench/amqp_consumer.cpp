// SPDX-License-Identifier: Apache-2.0
// The least that a program can do to consume a queue with rabbitmq-c: reads messages and
// acknowledges them, a thousand under way.
//
// usage: bench_amqp_consumer PORT QUEUE MESSAGES
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>

namespace {

constexpr std::uint16_t kPrefetch = 1000;
constexpr std::uint64_t kAcknowledgeEach = 250;

int fail(const char* what) {
  fmt::print(stderr, "{} failed\n", what);
  return 1;
}

bool is_good(const amqp_connection_state_t& connection) {
  return amqp_get_rpc_reply(connection).reply_type == AMQP_RESPONSE_NORMAL;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return fail("reading the arguments");
  const auto port = std::atoi(arguments[1]);
  const auto messages = std::strtoull(arguments[3], nullptr, 10);
  const auto connection = amqp_new_connection();
  auto* const socket = amqp_tcp_socket_new(connection);
  if (amqp_socket_open(socket, "127.0.0.1", port) != AMQP_STATUS_OK) return fail("connecting");
  const auto login = amqp_login(connection, "/", 1, AMQP_DEFAULT_FRAME_SIZE, 0,
                                AMQP_SASL_METHOD_PLAIN, "guest", "guest");
  if (login.reply_type != AMQP_RESPONSE_NORMAL) return fail("logging in");
  amqp_channel_open(connection, 1);
  if (!is_good(connection)) return fail("opening a channel");
  amqp_basic_qos(connection, 1, 0, kPrefetch, 0);
  const auto begun = std::chrono::steady_clock::now();
  amqp_basic_consume(connection, 1, amqp_cstring_bytes(arguments[2]), amqp_empty_bytes, 0, 0, 0,
                     amqp_empty_table);
  if (!is_good(connection)) return fail("consuming");

  std::size_t bytes = 0;
  for (std::uint64_t taken = 1; taken <= messages; ++taken) {
    amqp_maybe_release_buffers(connection);
    amqp_envelope_t envelope;
    if (amqp_consume_message(connection, &envelope, nullptr, 0).reply_type != AMQP_RESPONSE_NORMAL)
      return fail("receiving");
    bytes += envelope.message.body.len;
    if (taken % kAcknowledgeEach == 0 || taken == messages)
      amqp_basic_ack(connection, 1, envelope.delivery_tag, 1);
    amqp_destroy_envelope(&envelope);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(connection);
  fmt::print("{{\"messages\": {}, \"bytes\": {}, \"seconds\": {}}}\n", messages, bytes,
             took.count());
}
