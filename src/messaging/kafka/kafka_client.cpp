// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/kafka_client.hpp"

#include <fmt/ranges.h>

namespace millrace::messaging {
namespace {

void add(KafkaSettings& settings, std::string name, const std::string& value) {
  if (!value.empty()) settings.emplace_back(std::move(name), value);
}

void add_tls(KafkaSettings& settings, const KafkaSecurity& security) {
  add(settings, "ssl.ca.location", security.ca_file);
  add(settings, "ssl.certificate.location", security.certificate_file);
  // As for other programs, the key may be in the certificate's file.
  if (!security.certificate_file.empty()) {
    add(settings, "ssl.key.location",
        security.key_file.empty() ? security.certificate_file : security.key_file);
  }
  add(settings, "ssl.key.password", security.key_password);
  settings.emplace_back("enable.ssl.certificate.verification", security.verify ? "true" : "false");
  settings.emplace_back("ssl.endpoint.identification.algorithm",
                        security.verify && security.check_hostname ? "https" : "none");
}

Result<> add_sasl(KafkaSettings& settings, const KafkaSecurity& security) {
  const auto& mechanism = security.sasl_mechanism;
  settings.emplace_back("sasl.mechanism", mechanism);
  if (mechanism == "GSSAPI") {
    add(settings, "sasl.kerberos.service.name", security.kerberos_service);
    return {};
  }
  if (mechanism == "OAUTHBEARER") {
    if (security.token_url.empty() || security.token_client.empty() ||
        security.token_secret.empty()) {
      return fail(Errc::invalid_settings,
                  "SASL mechanism OAUTHBEARER needs the URL of a token endpoint, a client id and "
                  "its secret");
    }
    settings.emplace_back("sasl.oauthbearer.method", "oidc");
    add(settings, "sasl.oauthbearer.token.endpoint.url", security.token_url);
    add(settings, "sasl.oauthbearer.client.id", security.token_client);
    add(settings, "sasl.oauthbearer.client.secret", security.token_secret);
    add(settings, "sasl.oauthbearer.scope", security.token_scope);
    return {};
  }
  if (security.username.empty() || security.password.empty()) {
    return fail(Errc::invalid_settings, "SASL mechanism {} needs a user name and a password",
                mechanism);
  }
  add(settings, "sasl.username", security.username);
  add(settings, "sasl.password", security.password);
  return {};
}

}  // namespace

Result<KafkaSettings> kafka_client_settings(const std::vector<std::string>& brokers,
                                            std::string_view client_id,
                                            const KafkaSecurity& security) {
  KafkaSettings settings{
      {"bootstrap.servers", fmt::format("{}", fmt::join(brokers, ","))},
      {"client.id", std::string(client_id)},
      {"security.protocol", security.protocol},
      {"socket.keepalive.enable", "true"},
      {"reconnect.backoff.max.ms", "5000"},
      {"log.connection.close", "false"},
  };
  if (security.has_tls()) add_tls(settings, security);
  if (security.has_sasl()) {
    if (auto added = add_sasl(settings, security); !added) return added.error();
  }
  return settings;
}

}  // namespace millrace::messaging
