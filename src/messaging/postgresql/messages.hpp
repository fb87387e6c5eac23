// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace millrace::messaging {

/// What libpq says of a connection that failed, in one line, without codes and places in the
/// server's source.
std::string one_line(std::string_view message);

/// Whether one of its lines says that the server does not accept the user or the password (class
/// 28 of SQLSTATE, as PQERRORS_VERBOSE writes it: "FATAL:  28P01: …").
bool denies_access(std::string_view message);

}  // namespace millrace::messaging
