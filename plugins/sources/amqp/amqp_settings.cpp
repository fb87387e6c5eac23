// SPDX-License-Identifier: Apache-2.0
#include "amqp_settings.hpp"

#include <utility>

namespace millrace::amqp_source {
namespace {

using messaging::AmqpOptions;
using messaging::TlsOptions;

constexpr double kLargestMessage = 16 << 20;  // what the engine takes as one event
constexpr std::uint16_t kTlsPort = 5671;

std::string text_of(const Settings& settings, std::string_view name) {
  return settings.has(name) ? settings.string(name) : std::string();
}

TlsOptions tls_of(const Settings& settings) {
  return {.verify = settings.boolean("verify"),
          .check_hostname = settings.boolean("check_hostname"),
          .ca_file = text_of(settings, "ca_file"),
          .certificate_file = text_of(settings, "cert_file"),
          .key_file = text_of(settings, "key_file"),
          .key_password = text_of(settings, "key_password")};
}

Result<AmqpOptions> connection_of(const Settings& settings) {
  AmqpOptions options{
      .tls = settings.boolean("tls") ? std::optional(tls_of(settings)) : std::nullopt,
      .name = settings.string("connection_name"),
      .heartbeat = settings.seconds("heartbeat"),
      .connect_timeout = settings.seconds("connect_timeout"),
      .max_message = static_cast<std::size_t>(settings.integer("max_message_size"))};
  if (options.tls) options.port = kTlsPort;
  if (settings.has("url")) {
    auto read = messaging::read_amqp_url(settings.string("url"), std::move(options));
    if (!read) return read.error();
    options = std::move(*read);
    if (options.tls) options.tls = tls_of(settings);
  }
  if (settings.has("host")) options.host = settings.string("host");
  if (settings.has("port")) options.port = static_cast<std::uint16_t>(settings.integer("port"));
  if (settings.has("username")) options.username = settings.string("username");
  if (settings.has("password")) options.password = settings.string("password");
  if (settings.has("virtual_host")) options.virtual_host = settings.string("virtual_host");
  if (!options.tls && (settings.has("ca_file") || settings.has("cert_file")))
    return fail(Errc::invalid_settings, "ca_file and cert_file need tls: true, or an amqps URL");
  return options;
}

void read_queue(const Settings& settings, AmqpSettings& read) {
  const bool named = settings.has("queue");
  read.declares_queue = !named || settings.boolean("declare");
  read.queue.name = text_of(settings, "queue");
  read.queue.arguments = settings.object("arguments");
  // A queue of its own goes with the connection.
  read.queue.durable = named && settings.boolean("durable");
  read.queue.exclusive = !named || settings.boolean("exclusive");
  read.queue.auto_delete = !named || settings.boolean("auto_delete");
  if (settings.has("queue_type"))
    read.queue.arguments["x-queue-type"] = settings.string("queue_type");
}

}  // namespace

Result<AmqpSettings> read_settings(const Settings& settings) {
  if (!settings.has("queue") && !settings.has("exchange"))
    return fail(Errc::invalid_settings, "queue or exchange is required");
  if (settings.has("exchange_type") && !settings.has("exchange"))
    return fail(Errc::invalid_settings, "exchange_type needs exchange");
  auto connection = connection_of(settings);
  if (!connection) return connection.error();
  AmqpSettings read{.connection = std::move(*connection)};
  read_queue(settings, read);
  read.exchange = text_of(settings, "exchange");
  read.routing_keys = settings.strings("routing_keys");
  if (read.routing_keys.empty()) read.routing_keys = {""};
  if (settings.has("exchange_type"))
    read.declared_exchange = {.name = read.exchange, .type = settings.string("exchange_type")};
  read.prefetch = static_cast<std::uint16_t>(settings.integer("prefetch"));
  const auto format = settings.string("format");
  if (format == "json") read.format = BodyFormat::json;
  if (format == "text") read.format = BodyFormat::text;
  return read;
}

SettingsSchema schema() {
  using enum SettingType;
  return {
      .settings = {
          Setting("url", string,
                  "amqp://user:password@host:port/vhost; amqps: with TLS. What the other "
                  "settings say goes before it")
              .secret()
              .nullable(),
          Setting("host", string, "The server; by default localhost").nullable(),
          Setting("port", integer, "Its port; by default 5672, with TLS 5671")
              .at_least(1)
              .at_most(65535)
              .nullable(),
          Setting("username", string,
                  "By default guest; empty: the client certificate says who it is")
              .nullable(),
          Setting("password", string, "By default guest").secret().nullable(),
          Setting("virtual_host", string, "By default /").nullable(),
          Setting("queue", string,
                  "What to read; without it a queue of its own, as long as "
                  "the connection lasts")
              .nullable(),
          Setting("declare", boolean, "Make the queue if it is not there").by_default(false),
          Setting("queue_type", string, "Of the queue that is made")
              .one_of({"classic", "quorum"})
              .nullable(),
          Setting("durable", boolean, "The queue that is made outlives the server")
              .by_default(true),
          Setting("exclusive", boolean, "It is for this connection only").by_default(false),
          Setting("auto_delete", boolean, "It goes with its last consumer").by_default(false),
          Setting("arguments", object, "Its arguments: x-message-ttl, x-dead-letter-exchange…")
              .by_default(Object())
              .nullable(),
          Setting("exchange", string, "Bind the queue to this exchange").nullable(),
          Setting("exchange_type", string,
                  "Make the exchange (durable) if it is not there: topic, fanout, direct, "
                  "headers…")
              .nullable(),
          Setting("routing_keys", strings, "What the queue takes of the exchange")
              .by_default(Array())
              .nullable(),
          Setting("prefetch", integer, "Messages on their way through the engine at once")
              .by_default(1000)
              .at_least(1)
              .at_most(65535),
          Setting("format", string,
                  "json: bodies that are not JSON are refused; text: bodies are never read as "
                  "JSON; auto: as JSON where they are")
              .one_of({"auto", "json", "text"})
              .by_default("auto"),
          Setting("max_message_size", integer, "Bytes of a body; a larger one is refused")
              .by_default(1 << 20)
              .at_least(1)
              .at_most(kLargestMessage),
          Setting("heartbeat", seconds,
                  "A server that is silent for twice as long is gone; 0: never")
              .by_default(30)
              .at_least(0)
              .at_most(65535),
          Setting("connect_timeout", seconds, "How long connecting may take, all told")
              .by_default(10)
              .at_least(0.1)
              .at_most(3600),
          Setting("connection_name", string, "What the server's tools show").by_default("millrace"),
          Setting("tls", boolean, "Speak TLS").by_default(false),
          Setting("ca_file", string,
                  "PEM file of the authorities to trust; by default those "
                  "of the system")
              .nullable(),
          Setting("cert_file", string, "PEM file of the client's certificate").nullable(),
          Setting("key_file", string, "PEM file of its key, unless it is in cert_file").nullable(),
          Setting("key_password", string, "Password of the key").secret().nullable(),
          Setting("verify", boolean, "The server's certificate must be valid").by_default(true),
          Setting("check_hostname", boolean, "And be that of its host").by_default(true),
      }};
}

}  // namespace millrace::amqp_source
