// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "avro_schema.hpp"
#include "millrace/base/clock.hpp"
#include "millrace/messaging/kafka_client.hpp"
#include "millrace/plugin/settings.hpp"
#include "schema_registry.hpp"
#include "text_decoder.hpp"

namespace millrace::kafka {

/// What a rulebook says of a Kafka source, checked.
struct KafkaOptions {
  std::vector<std::string> brokers;
  messaging::KafkaSecurity security;
  std::string client_id;
  std::vector<std::string> topics;
  std::string topic_pattern;  ///< instead of topics
  Duration metadata_max_age{};
  std::string group;  ///< empty: none
  std::string start;  ///< "latest" or "earliest": where there is no committed offset
  Duration session_timeout{};
  Duration request_timeout{};
  std::size_t max_in_flight = 0;
  TextDecoder encoding;
  bool is_avro = false;
  std::shared_ptr<const AvroSchema> avro_schema;  ///< of the file; may be missing
  std::optional<RegistryOptions> registry;
  std::vector<std::string> warnings;  ///< to be logged once it runs

  static SettingsSchema schema();
  /// Errors: invalid_settings, not_found, permission_denied, io.
  static Result<KafkaOptions> read(const Settings& settings);
};

}  // namespace millrace::kafka
