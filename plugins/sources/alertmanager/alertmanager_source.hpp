// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "alert_handler.hpp"
#include "alert_reader.hpp"
#include "millrace/net/http_server.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::alertmanager {

/// Takes the notifications of Prometheus' Alertmanager, and of whatever posts JSON like it.
class AlertmanagerSource final : public Source {
 public:
  static SettingsSchema schema();
  /// Errors: invalid_settings.
  static Result<std::unique_ptr<AlertmanagerSource>> create(const Settings& settings);

  Task<Result<>> run(SourceContext& context) override;

  /// Where it listens; 0 until it does.
  std::uint16_t port() const { return port_; }

 private:
  AlertmanagerSource(net::HttpServerOptions server, AlertRules rules, AlertReader reader);
  void warn_of_open_door(SourceContext& context, const net::HttpServer& server) const;

  const net::HttpServerOptions server_options_;
  const AlertRules rules_;
  const AlertReader reader_;
  std::uint16_t port_ = 0;
};

}  // namespace millrace::alertmanager
