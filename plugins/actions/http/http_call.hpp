// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "millrace/net/http_client.hpp"
#include "millrace/plugin/settings.hpp"

namespace millrace::http_action {

SettingsSchema schema();

/// The request that the settings describe. `id` is the idempotency key. Errors: invalid_settings,
/// in messages without secrets.
Result<net::HttpRequest> request_of(const Settings& settings, std::string_view id);

/// Whether the setting, a list of statuses such as 200 or "2xx", names this one.
bool names_status(const Array& statuses, int status);

/// {"http": {"status": 200, "headers": {…}, "body": …}}: the body as JSON if it is that, otherwise
/// as text.
Object event_of(const net::HttpResponse& answer);

}  // namespace millrace::http_action
