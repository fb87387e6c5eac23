// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/http_listener.hpp"

#include <string>

namespace millrace {
namespace {

constexpr std::int64_t kDefaultBytes = std::int64_t{1} << 20;
constexpr std::int64_t kMostBytes = std::int64_t{1} << 30;

std::string text_or_nothing(const Settings& settings, std::string_view name) {
  return settings.has(name) ? settings.string(name) : std::string();
}

std::optional<std::string> if_given(const Settings& settings, std::string_view name) {
  if (!settings.has(name)) return std::nullopt;
  return settings.string(name);
}

std::optional<net::TlsServerFiles> tls_files(const Settings& settings) {
  if (!settings.has("certfile")) return std::nullopt;
  return net::TlsServerFiles{.certificates = settings.string("certfile"),
                             .key = text_or_nothing(settings, "keyfile"),
                             .password = text_or_nothing(settings, "password"),
                             .authorities = if_given(settings, "cafile"),
                             .authorities_folder = if_given(settings, "capath")};
}

}  // namespace

std::vector<Setting> http_tls_settings() {
  using enum SettingType;
  // `certfile` is not nullable: null must not open the door.
  return {
      Setting("certfile", string, "PEM file of the server's certificate; turns TLS on"),
      Setting("keyfile", string, "PEM file of its key, unless it is in certfile").nullable(),
      Setting("password", string, "Password of the key").secret().nullable(),
      Setting("cafile", string, "PEM file of authorities; clients must show a certificate of one")
          .nullable(),
      Setting("capath", string, "Folder of authorities, as OpenSSL hashes it").nullable()};
}

std::vector<Setting> http_limit_settings() {
  using enum SettingType;
  return {
      Setting("max_body_size", integer, "Most bytes of a body; more is answered 413")
          .by_default(kDefaultBytes)
          .at_least(1)
          .at_most(kMostBytes),
      Setting("max_connections", integer, "Connections served at once; more wait to be accepted")
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
          .at_least(0.1)};
}

net::HttpServerOptions http_server_options(const Settings& settings) {
  net::HttpServerOptions options;
  options.host = text_or_nothing(settings, "host");
  if (options.host.empty()) options.host = "0.0.0.0";
  options.port = static_cast<std::uint16_t>(settings.integer("port"));
  options.max_connections = static_cast<std::size_t>(settings.integer("max_connections"));
  options.limits = {.max_body_size = static_cast<std::size_t>(settings.integer("max_body_size")),
                    .idle = settings.seconds("idle_timeout"),
                    .header = settings.seconds("header_timeout"),
                    .body = settings.seconds("body_timeout")};
  options.tls = tls_files(settings);
  return options;
}

}  // namespace millrace
