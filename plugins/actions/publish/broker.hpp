// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "millrace/base/log.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/messaging/publisher.hpp"
#include "millrace/messaging/tls_options.hpp"
#include "millrace/plugin/settings.hpp"

namespace millrace::publish_action {

/// A kind of broker: under its name the action has a setting that says which one, and how to get
/// there.
struct BrokerKind {
  using Schema = SettingsSchema (*)();
  using Create = Result<std::unique_ptr<messaging::Publisher>> (*)(MainLoop&, Log&, const Settings&,
                                                                   Duration timeout);

  std::string_view name;
  std::string_view meaning;
  Schema schema;
  Create create;  ///< errors: invalid_settings
  bool needs_topic;
};

/// One file each.
BrokerKind amqp_broker();
BrokerKind mqtt_broker();
BrokerKind kafka_broker();

/// All of them, in the order of the documentation.
std::span<const BrokerKind> broker_kinds();

/// Adds tls, ca_file, cert_file, key_file, key_password, verify, check_hostname.
void add_tls_settings(SettingsSchema& schema);
messaging::TlsOptions tls_of(const Settings& settings);

/// Empty if it is not given.
std::string text_of(const Settings& settings, std::string_view name);

}  // namespace millrace::publish_action
