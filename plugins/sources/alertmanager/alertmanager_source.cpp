// SPDX-License-Identifier: Apache-2.0
#include "alertmanager_source.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "millrace/plugin/http_listener.hpp"

namespace millrace::alertmanager {
namespace {

AlertRules rules_of(const Settings& settings) {
  AlertRules rules;
  if (settings.has("token")) rules.token = settings.string("token");
  if (settings.boolean("skip_original_data")) rules.original = AlertRules::Original::skip;
  rules.max_pending = static_cast<std::size_t>(settings.integer("max_pending"));
  return rules;
}

}  // namespace

SettingsSchema AlertmanagerSource::schema() {
  using enum SettingType;
  // `token` and `certfile` are not nullable: null must not open the door.
  SettingsSchema schema{
      .settings = {
          Setting("host", string, "Address or name to listen on").by_default("localhost"),
          Setting("port", integer, "Port to listen on; 0 is any free one")
              .by_default(5000)
              .at_least(0)
              .at_most(65535),
          Setting("data_alerts_path", string,
                  "Where in the body the alerts are; an empty one: the body is the alert")
              .by_default("alerts"),
          Setting("data_host_path", string,
                  "Where in an alert its host is; an empty one: hosts are not looked for")
              .by_default("labels.instance"),
          Setting("data_path_separator", string, "What separates the keys of both paths")
              .by_default("."),
          Setting("skip_original_data", boolean,
                  "Whether there is an event of each alert only, none of the whole body")
              .by_default(false),
          Setting("token", string, "Bearer token that every request must carry").secret()}};
  std::ranges::move(http_tls_settings(), std::back_inserter(schema.settings));
  std::ranges::move(http_limit_settings(), std::back_inserter(schema.settings));
  return schema;
}

Result<std::unique_ptr<AlertmanagerSource>> AlertmanagerSource::create(const Settings& settings) {
  auto reader = AlertReader::create({.alerts_path = settings.string("data_alerts_path"),
                                     .host_path = settings.string("data_host_path"),
                                     .separator = settings.string("data_path_separator")});
  if (!reader) return reader.error();
  return std::unique_ptr<AlertmanagerSource>(new AlertmanagerSource(
      http_server_options(settings), rules_of(settings), std::move(*reader)));
}

AlertmanagerSource::AlertmanagerSource(net::HttpServerOptions server, AlertRules rules,
                                       AlertReader reader)
    : server_options_(std::move(server)), rules_(std::move(rules)), reader_(std::move(reader)) {}

Task<Result<>> AlertmanagerSource::run(SourceContext& context) {
  AlertHandler handler(context, rules_, reader_);
  net::HttpServer server({context.loop(), context.log(), context.log_name()}, handler,
                         server_options_);
  if (auto listening = co_await server.listen(); !listening) co_return listening.error();
  port_ = server.port();
  warn_of_open_door(context, server);
  co_return co_await server.serve();
}

void AlertmanagerSource::warn_of_open_door(SourceContext& context,
                                           const net::HttpServer& server) const {
  const bool guarded =
      rules_.token || (server_options_.tls && server_options_.tls->verifies_clients());
  if (guarded || !server.beyond_loopback()) return;
  context.log().warning(context.log_name(),
                        "anybody who reaches {}:{} can send alerts: set token or cafile, or host "
                        "to 127.0.0.1",
                        server_options_.host, port_);
}

}  // namespace millrace::alertmanager

MILLRACE_PLUGIN(alertmanager_source, plugin) {
  using millrace::alertmanager::AlertmanagerSource;
  plugin.source<AlertmanagerSource>("alertmanager",
                                    "Takes alerts of Prometheus' Alertmanager by HTTP.",
                                    AlertmanagerSource::schema());
}
