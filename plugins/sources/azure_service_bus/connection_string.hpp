// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "millrace/base/result.hpp"

namespace millrace::azure_service_bus {

/// What a connection string of the service says.
struct ConnectionString {
  std::string host;
  std::uint16_t port = 0;
  bool tls = true;  ///< not with UseDevelopmentEmulator=true
  std::string key_name;
  std::string key;
  std::string signature;  ///< a ready SharedAccessSignature, instead of a key
  std::string entity;     ///< EntityPath; empty: not given
};

/// "Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…"; keys in any case, unknown ones are
/// ignored. Errors: invalid_settings; messages never hold a value.
Result<ConnectionString> parse_connection_string(std::string_view text);

}  // namespace millrace::azure_service_bus
