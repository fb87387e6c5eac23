// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "millrace/base/clock.hpp"

namespace millrace::azure_service_bus {

/// A shared access signature for `resource` that is valid until `expiry`, rounded up to
/// a second.
std::string sign_token(std::string_view resource, std::string_view key_name, std::string_view key,
                       WallTime expiry);

/// Until when a ready one is valid; nothing when it does not say.
std::optional<WallTime> expiry_of(std::string_view token);

}  // namespace millrace::azure_service_bus
