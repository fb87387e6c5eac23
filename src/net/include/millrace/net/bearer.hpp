// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "millrace/net/http_server.hpp"

namespace millrace::net {

/// Whether two texts are equal, in a time that does not tell where they differ.
bool equal_secrets(std::string_view a, std::string_view b);

/// The answer to a request that does not carry `Authorization: Bearer <token>`. An empty token lets
/// nobody in.
std::optional<HttpAnswer> refuse_without_token(const IncomingRequest& request,
                                               std::string_view token);

}  // namespace millrace::net
