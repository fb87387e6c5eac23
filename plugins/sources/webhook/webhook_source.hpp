// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "millrace/net/http_server.hpp"
#include "millrace/plugin/plugin.hpp"
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
  WebhookSource(net::HttpServerOptions server, WebhookRules rules);
  void warn_of_open_door(SourceContext& context, const net::HttpServer& server) const;

  const net::HttpServerOptions server_options_;
  const WebhookRules rules_;
  std::uint16_t port_ = 0;
};

}  // namespace millrace::webhook
