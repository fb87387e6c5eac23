// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "broker.hpp"
#include "millrace/messaging/mqtt_publisher.hpp"

namespace millrace::publish_action {
namespace {

constexpr std::uint16_t kPort = 1883;
constexpr std::uint16_t kTlsPort = 8883;

SettingsSchema schema() {
  using enum SettingType;
  SettingsSchema schema{
      .settings = {
          Setting("host", string, "By default localhost").by_default("localhost"),
          Setting("port", integer, "By default 1883, with TLS 8883")
              .at_least(1)
              .at_most(65535)
              .nullable(),
          Setting("username", string, "By default none").nullable(),
          Setting("password", string, "By default none").secret().nullable(),
          Setting("client_id", string, "By default one that the broker makes up").nullable(),
          Setting("retain", boolean, "The broker keeps the message for later subscribers")
              .by_default(false),
          Setting("keepalive", seconds,
                  "A broker that is silent for one and a half times as long is gone")
              .by_default(30)
              .at_least(0)
              .at_most(65535),
      }};
  add_tls_settings(schema);
  return schema;
}

Result<std::unique_ptr<messaging::Publisher>> create(MainLoop& loop, Log& log,
                                                     const Settings& settings, Duration timeout) {
  const bool tls = settings.boolean("tls");
  const auto port = settings.has("port") ? static_cast<std::uint16_t>(settings.integer("port"))
                                         : (tls ? kTlsPort : kPort);
  messaging::MqttOptions connection{.host = settings.string("host"),
                                    .port = port,
                                    .client_id = text_of(settings, "client_id"),
                                    .username = text_of(settings, "username"),
                                    .password = text_of(settings, "password"),
                                    .tls = tls ? std::optional(tls_of(settings)) : std::nullopt,
                                    .keepalive = settings.seconds("keepalive")};
  return messaging::create_mqtt_publisher(loop, log,
                                          {.connection = std::move(connection),
                                           .retain = settings.boolean("retain"),
                                           .timeout = timeout});
}

}  // namespace

BrokerKind mqtt_broker() {
  return {.name = "mqtt",
          .meaning =
              "MQTT: host, port, username, password, client_id; retain; keepalive; tls, "
              "ca_file, cert_file, key_file, key_password, verify, check_hostname",
          .schema = schema,
          .create = create,
          .needs_topic = true};
}

}  // namespace millrace::publish_action
