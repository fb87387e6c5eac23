// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/result.hpp"

namespace millrace::messaging {

/// How a client of Kafka protects its connections, and who it is.
struct KafkaSecurity {
  std::string protocol = "PLAINTEXT";  ///< SSL, SASL_PLAINTEXT, SASL_SSL
  std::string ca_file;                 ///< PEM; empty: the system's authorities
  std::string certificate_file;        ///< of the client; empty: none
  std::string key_file;
  std::string key_password;
  bool check_hostname = true;
  bool verify = true;                    ///< the broker's certificate must be valid
  std::string sasl_mechanism = "PLAIN";  ///< GSSAPI, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER
  std::string username;                  ///< PLAIN, SCRAM
  std::string password;
  std::string kerberos_service = "kafka";  ///< GSSAPI
  std::string token_url;                   ///< OAUTHBEARER: where tokens are had (OpenID Connect)
  std::string token_client;
  std::string token_secret;
  std::string token_scope;

  bool has_tls() const { return protocol.ends_with("SSL"); }
  bool has_sasl() const { return protocol.starts_with("SASL_"); }
};

/// Settings of librdkafka by name.
using KafkaSettings = std::vector<std::pair<std::string, std::string>>;

/// What every client says of the brokers and of itself. Errors: invalid_settings for what can never
/// work together.
Result<KafkaSettings> kafka_client_settings(const std::vector<std::string>& brokers,
                                            std::string_view client_id,
                                            const KafkaSecurity& security);

}  // namespace millrace::messaging
