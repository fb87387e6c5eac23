// SPDX-License-Identifier: Apache-2.0
#include "webhook_source.hpp"

#include <string>
#include <utility>

namespace millrace::webhook {
namespace {

constexpr std::int64_t kDefaultBytes = std::int64_t{1} << 20;
constexpr std::int64_t kMostBytes = std::int64_t{1} << 30;

std::string text_or_nothing(const Settings& settings, std::string_view name) {
  return settings.has(name) ? settings.string(name) : std::string();
}

HttpServerOptions server_options(const Settings& settings) {
  HttpServerOptions options;
  options.host = text_or_nothing(settings, "host");
  if (options.host.empty()) options.host = "0.0.0.0";
  options.port = static_cast<std::uint16_t>(settings.integer("port"));
  options.max_connections = static_cast<std::size_t>(settings.integer("max_connections"));
  options.limits = {.max_body_size = static_cast<std::size_t>(settings.integer("max_body_size")),
                    .idle = settings.seconds("idle_timeout"),
                    .header = settings.seconds("header_timeout"),
                    .body = settings.seconds("body_timeout")};
  return options;
}

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

std::optional<TlsFiles> tls_files(const Settings& settings) {
  if (!settings.has("certfile")) return std::nullopt;
  return TlsFiles{.certificates = settings.string("certfile"),
                  .key = text_or_nothing(settings, "keyfile"),
                  .password = text_or_nothing(settings, "password"),
                  .authorities = text_or_nothing(settings, "cafile"),
                  .authorities_folder = text_or_nothing(settings, "capath")};
}

}  // namespace

SettingsSchema WebhookSource::schema() {
  using enum SettingType;
  // `token`, `hmac_secret` and `certfile` are not nullable: null must not open the door.
  return {
      .settings = {
          Setting("host", string, "Address or name to listen on").by_default("0.0.0.0").nullable(),
          Setting("port", integer, "Port to listen on; 0 is any free one")
              .required()
              .at_least(0)
              .at_most(65535),
          Setting("token", string, "Bearer token that every request must carry").secret(),
          Setting("certfile", string, "PEM file of the server's certificate; turns TLS on"),
          Setting("keyfile", string, "PEM file of its key, unless it is in certfile").nullable(),
          Setting("password", string, "Password of the key").secret().nullable(),
          Setting("cafile", string,
                  "PEM file of authorities; clients must show a certificate of one")
              .nullable(),
          Setting("capath", string, "Folder of authorities, as OpenSSL hashes it").nullable(),
          Setting("hmac_secret", string, "Secret with which senders sign the body").secret(),
          Setting("hmac_algo", string, "Digest of the signature, as OpenSSL names it")
              .by_default("sha256"),
          Setting("hmac_header", string, "Header that carries the signature")
              .by_default("x-hub-signature-256"),
          Setting("hmac_format", string, "Form of the signature: hex or base64").by_default("hex"),
          Setting("max_body_size", integer, "Most bytes of a body; more is answered 413")
              .by_default(kDefaultBytes)
              .at_least(1)
              .at_most(kMostBytes),
          Setting("max_connections", integer,
                  "Connections served at once; more wait to be accepted")
              .by_default(1024)
              .at_least(1),
          Setting("max_pending", integer,
                  "Requests that may wait while the engine is behind; more are answered 503")
              .by_default(1024)
              .at_least(1),
          Setting("idle_timeout", seconds, "How long a connection may be silent between requests")
              .by_default(75)
              .at_least(0.1),
          Setting("header_timeout", seconds, "How long a request's headers may take")
              .by_default(10)
              .at_least(0.1),
          Setting("body_timeout", seconds, "How long a request's body may take")
              .by_default(60)
              .at_least(0.1),
      }};
}

Result<std::unique_ptr<WebhookSource>> WebhookSource::create(const Settings& settings) {
  auto rules = rules_of(settings);
  if (!rules) return rules.error();
  return std::unique_ptr<WebhookSource>(
      new WebhookSource(server_options(settings), std::move(*rules), tls_files(settings)));
}

WebhookSource::WebhookSource(HttpServerOptions server, WebhookRules rules,
                             std::optional<TlsFiles> tls)
    : server_options_(std::move(server)), rules_(std::move(rules)), tls_files_(std::move(tls)) {}

Task<Result<>> WebhookSource::run(SourceContext& context) {
  std::unique_ptr<asio::ssl::context> tls;
  if (tls_files_) {
    auto made = make_tls(*tls_files_);
    if (!made) co_return made.error();
    tls = std::move(*made);
  }
  WebhookHandler handler(context, rules_);
  HttpServer server(context, handler, server_options_, tls.get());
  if (auto listening = co_await server.listen(); !listening) co_return listening.error();
  port_ = server.port();
  warn_of_open_door(context, server);
  co_return co_await server.serve();
}

void WebhookSource::warn_of_open_door(SourceContext& context, const HttpServer& server) const {
  const bool guarded =
      rules_.token || rules_.signature || (tls_files_ && tls_files_->verifies_clients());
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
