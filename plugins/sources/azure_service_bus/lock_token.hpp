// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proton/types.h>

#include <string_view>

namespace millrace::azure_service_bus {

/// The UUID that a delivery tag of 16 bytes stands for: the tag has its first three fields with
/// the lowest byte first.
inline pn_uuid_t uuid_of_lock(std::string_view tag) {
  constexpr int kOrder[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  pn_uuid_t uuid{};
  for (std::size_t i = 0; i < 16; ++i) uuid.bytes[i] = tag[static_cast<std::size_t>(kOrder[i])];
  return uuid;
}

}  // namespace millrace::azure_service_bus
