// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "broker.hpp"
#include "millrace/messaging/amqp_publisher.hpp"

namespace millrace::publish_action {
namespace {

constexpr std::uint16_t kTlsPort = 5671;

SettingsSchema schema() {
  using enum SettingType;
  SettingsSchema schema{
      .settings = {
          Setting("url", string, "amqp://user:password@host:port/vhost; amqps: with TLS")
              .secret()
              .nullable(),
          Setting("host", string, "By default localhost").nullable(),
          Setting("port", integer, "By default 5672, with TLS 5671")
              .at_least(1)
              .at_most(65535)
              .nullable(),
          Setting("username", string, "By default guest").nullable(),
          Setting("password", string, "By default guest").secret().nullable(),
          Setting("virtual_host", string, "By default /").nullable(),
          Setting("exchange", string,
                  "By default the one where the routing key is the name of a queue")
              .by_default(""),
          Setting("persistent", boolean, "Durable queues keep it on disk").by_default(true),
          Setting("heartbeat", seconds, "A server that is silent for twice as long is gone")
              .by_default(30)
              .at_least(0)
              .at_most(65535),
      }};
  add_tls_settings(schema);
  return schema;
}

Result<messaging::AmqpOptions> connection_of(const Settings& settings) {
  messaging::AmqpOptions options;
  if (settings.boolean("tls")) {
    options.tls.emplace();
    options.port = kTlsPort;
  }
  if (settings.has("url")) {
    auto read = messaging::read_amqp_url(settings.string("url"), std::move(options));
    if (!read) return read.error();
    options = std::move(*read);
  }
  if (options.tls) options.tls = tls_of(settings);
  if (settings.has("host")) options.host = settings.string("host");
  if (settings.has("port")) options.port = static_cast<std::uint16_t>(settings.integer("port"));
  if (settings.has("username")) options.username = settings.string("username");
  if (settings.has("password")) options.password = settings.string("password");
  if (settings.has("virtual_host")) options.virtual_host = settings.string("virtual_host");
  options.heartbeat = settings.seconds("heartbeat");
  options.name = "millrace";
  return options;
}

Result<std::unique_ptr<messaging::Publisher>> create(MainLoop& loop, Log& log,
                                                     const Settings& settings, Duration timeout) {
  auto connection = connection_of(settings);
  if (!connection) return connection.error();
  return messaging::create_amqp_publisher(loop, log,
                                          {.connection = std::move(*connection),
                                           .exchange = settings.string("exchange"),
                                           .persistent = settings.boolean("persistent"),
                                           .timeout = timeout});
}

}  // namespace

BrokerKind amqp_broker() {
  return {.name = "amqp",
          .meaning =
              "RabbitMQ: url, or host, port, username, password, virtual_host; exchange; "
              "persistent; heartbeat; tls, ca_file, cert_file, key_file, key_password, "
              "verify, check_hostname",
          .schema = schema,
          .create = create,
          .needs_topic = false};
}

}  // namespace millrace::publish_action
