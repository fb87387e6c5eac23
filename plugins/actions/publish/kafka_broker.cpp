// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "broker.hpp"
#include "millrace/messaging/kafka_publisher.hpp"

namespace millrace::publish_action {
namespace {

SettingsSchema schema() {
  using enum SettingType;
  return {
      .settings = {
          Setting("brokers", strings,
                  "host:port of brokers; some, from which the others are "
                  "learnt")
              .required(),
          Setting("security_protocol", string, "How connections are protected")
              .one_of({"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"})
              .by_default("PLAINTEXT"),
          Setting("cafile", string, "PEM file of the authorities to trust").nullable(),
          Setting("certfile", string, "PEM file of the client's certificate").nullable(),
          Setting("keyfile", string, "PEM file of its key").nullable(),
          Setting("password", string, "Password of the key").secret().nullable(),
          Setting("verify", boolean, "The brokers' certificates must be valid").by_default(true),
          Setting("check_hostname", boolean, "And be those of their hosts").by_default(true),
          Setting("sasl_mechanism", string, "How to sign in")
              .one_of({"PLAIN", "GSSAPI", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"})
              .by_default("PLAIN"),
          Setting("sasl_plain_username", string, "PLAIN, SCRAM: who").nullable(),
          Setting("sasl_plain_password", string, "PLAIN, SCRAM: the password").secret().nullable(),
          Setting("sasl_oauth_token_url", string, "OAUTHBEARER: where tokens are had").nullable(),
          Setting("sasl_oauth_client_id", string, "OAUTHBEARER: who").nullable(),
          Setting("sasl_oauth_client_secret", string, "OAUTHBEARER: the secret")
              .secret()
              .nullable(),
          Setting("sasl_oauth_scope", string, "OAUTHBEARER: of the token").nullable(),
          Setting("client_id", string, "Who the brokers say it is").by_default("millrace"),
      }};
}

Result<std::unique_ptr<messaging::Publisher>> create(MainLoop& loop, Log& log,
                                                     const Settings& settings, Duration timeout) {
  messaging::KafkaSecurity security{.protocol = settings.string("security_protocol"),
                                    .ca_file = text_of(settings, "cafile"),
                                    .certificate_file = text_of(settings, "certfile"),
                                    .key_file = text_of(settings, "keyfile"),
                                    .key_password = text_of(settings, "password"),
                                    .check_hostname = settings.boolean("check_hostname"),
                                    .verify = settings.boolean("verify"),
                                    .sasl_mechanism = settings.string("sasl_mechanism"),
                                    .username = text_of(settings, "sasl_plain_username"),
                                    .password = text_of(settings, "sasl_plain_password"),
                                    .token_url = text_of(settings, "sasl_oauth_token_url"),
                                    .token_client = text_of(settings, "sasl_oauth_client_id"),
                                    .token_secret = text_of(settings, "sasl_oauth_client_secret"),
                                    .token_scope = text_of(settings, "sasl_oauth_scope")};
  auto made = messaging::KafkaPublisher::create(loop, log,
                                                {.brokers = settings.strings("brokers"),
                                                 .security = std::move(security),
                                                 .client_id = settings.string("client_id"),
                                                 .timeout = timeout});
  if (!made) return made.error();
  return std::unique_ptr<messaging::Publisher>(std::move(*made));
}

}  // namespace

BrokerKind kafka_broker() {
  return {.name = "kafka",
          .meaning =
              "Kafka: brokers; security_protocol, cafile, certfile, keyfile, password, verify, "
              "check_hostname; sasl_mechanism, sasl_plain_username, sasl_plain_password, "
              "sasl_oauth_token_url, -_client_id, -_client_secret, -_scope; client_id",
          .schema = schema,
          .create = create,
          .needs_topic = true};
}

}  // namespace millrace::publish_action
