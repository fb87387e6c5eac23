// SPDX-License-Identifier: Apache-2.0
#include "broker.hpp"

#include <array>
#include <utility>

namespace millrace::publish_action {

std::span<const BrokerKind> broker_kinds() {
  static const std::array kinds{amqp_broker(), kafka_broker(), mqtt_broker()};
  return kinds;
}

std::string text_of(const Settings& settings, std::string_view name) {
  return settings.has(name) ? settings.string(name) : std::string();
}

void add_tls_settings(SettingsSchema& schema) {
  using enum SettingType;
  auto& all = schema.settings;
  all.push_back(Setting("tls", boolean, "Speak TLS").by_default(false));
  all.push_back(Setting("ca_file", string, "PEM file of the authorities to trust").nullable());
  all.push_back(Setting("cert_file", string, "PEM file of the client's certificate").nullable());
  all.push_back(Setting("key_file", string, "PEM file of its key").nullable());
  all.push_back(Setting("key_password", string, "Password of the key").secret().nullable());
  all.push_back(
      Setting("verify", boolean, "The broker's certificate must be valid").by_default(true));
  all.push_back(Setting("check_hostname", boolean, "And be that of its host").by_default(true));
}

messaging::TlsOptions tls_of(const Settings& settings) {
  return {.verify = settings.boolean("verify"),
          .check_hostname = settings.boolean("check_hostname"),
          .ca_file = text_of(settings, "ca_file"),
          .certificate_file = text_of(settings, "cert_file"),
          .key_file = text_of(settings, "key_file"),
          .key_password = text_of(settings, "key_password")};
}

}  // namespace millrace::publish_action
