// SPDX-License-Identifier: Apache-2.0
#include "webhook_source.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "millrace/plugin/http_listener.hpp"

namespace millrace::webhook {
namespace {

Result<WebhookRules> rules_of(const Settings& settings) {
  WebhookRules rules;
  if (settings.has("token")) rules.token = settings.string("token");
  rules.signature_header = settings.string("hmac_header");
  rules.max_pending = static_cast<std::size_t>(settings.integer("max_pending"));
  if (!settings.has("hmac_secret")) return rules;
  const auto secret = settings.string("hmac_secret");
  // Anybody can sign with the empty secret: most likely a variable that is not set.
  if (secret.empty()) return fail(Errc::invalid_settings, "hmac_secret must not be empty");
  auto signature =
      SignatureCheck::create(secret, settings.string("hmac_algo"), settings.string("hmac_format"));
  if (!signature) return signature.error();
  rules.signature = std::move(*signature);
  return rules;
}

}  // namespace

SettingsSchema WebhookSource::schema() {
  using enum SettingType;
  // `token`, `hmac_secret` and `certfile` are not nullable: null must not open the door.
  SettingsSchema schema{
      .settings = {
          Setting("host", string, "Address or name to listen on").by_default("0.0.0.0").nullable(),
          Setting("port", integer, "Port to listen on; 0 is any free one")
              .required()
              .at_least(0)
              .at_most(65535),
          Setting("token", string, "Bearer token that every request must carry").secret()}};
  auto& settings = schema.settings;
  std::ranges::move(http_tls_settings(), std::back_inserter(settings));
  settings.push_back(
      Setting("hmac_secret", string, "Secret with which senders sign the body").secret());
  settings.push_back(Setting("hmac_algo", string, "Digest of the signature, as OpenSSL names it")
                         .by_default("sha256"));
  settings.push_back(Setting("hmac_header", string, "Header that carries the signature")
                         .by_default("x-hub-signature-256"));
  settings.push_back(
      Setting("hmac_format", string, "Form of the signature: hex or base64").by_default("hex"));
  std::ranges::move(http_limit_settings(), std::back_inserter(settings));
  return schema;
}

Result<std::unique_ptr<WebhookSource>> WebhookSource::create(const Settings& settings) {
  auto rules = rules_of(settings);
  if (!rules) return rules.error();
  return std::unique_ptr<WebhookSource>(
      new WebhookSource(http_server_options(settings), std::move(*rules)));
}

WebhookSource::WebhookSource(net::HttpServerOptions server, WebhookRules rules)
    : server_options_(std::move(server)), rules_(std::move(rules)) {}

Task<Result<>> WebhookSource::run(SourceContext& context) {
  WebhookHandler handler(context, rules_);
  net::HttpServer server({context.loop(), context.log(), context.log_name()}, handler,
                         server_options_);
  if (auto listening = co_await server.listen(); !listening) co_return listening.error();
  port_ = server.port();
  warn_of_open_door(context, server);
  co_return co_await server.serve();
}

void WebhookSource::warn_of_open_door(SourceContext& context, const net::HttpServer& server) const {
  const bool guarded = rules_.token || rules_.signature ||
                       (server_options_.tls && server_options_.tls->verifies_clients());
  if (guarded || !server.beyond_loopback()) return;
  context.log().warning(context.log_name(),
                        "anybody who reaches {}:{} can send events: set token, hmac_secret or "
                        "cafile, or host to 127.0.0.1",
                        server_options_.host, port_);
}

}  // namespace millrace::webhook

MILLRACE_PLUGIN(webhook_source, plugin) {
  using millrace::webhook::WebhookSource;
  plugin.source<WebhookSource>("webhook", "Takes events by HTTP POST.", WebhookSource::schema());
}
