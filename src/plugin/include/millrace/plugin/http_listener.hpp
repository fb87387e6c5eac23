// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "millrace/net/http_server.hpp"
#include "millrace/plugin/settings.hpp"

namespace millrace {

/// What all sources that listen for HTTP let their users set, besides `host`, `port` and who may
/// send.

/// `certfile`, `keyfile`, `password`, `cafile`, `capath`.
std::vector<Setting> http_tls_settings();
/// `max_body_size`, `max_connections`, `max_pending`, `idle_timeout`, `header_timeout`,
/// `body_timeout`.
std::vector<Setting> http_limit_settings();

/// From both, `host` and `port`. An empty host is every address.
net::HttpServerOptions http_server_options(const Settings& settings);

}  // namespace millrace
