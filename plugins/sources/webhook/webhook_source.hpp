// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "http_server.hpp"
#include "millrace/plugin/plugin.hpp"
#include "tls.hpp"
#include "webhook_handler.hpp"

namespace millrace::webhook {

/// Takes events by HTTP POST: the body becomes `payload`, the path and the headers `meta`.
class WebhookSource final : public Source {
 public:
  static SettingsSchema schema();
  /// Errors: invalid_settings.
  static Result<std::unique_ptr<WebhookSource>> create(const Settings& settings);

  Task<Result<>> run(SourceContext& context) override;

  /// Where it listens; 0 until it does.
  std::uint16_t port() const { return port_; }

 private:
  WebhookSource(HttpServerOptions server, WebhookRules rules, std::optional<TlsFiles> tls);
  void warn_of_open_door(SourceContext& context, const HttpServer& server) const;

  const HttpServerOptions server_options_;
  const WebhookRules rules_;
  const std::optional<TlsFiles> tls_files_;
  std::uint16_t port_ = 0;
};

}  // namespace millrace::webhook
