// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace millrace::net {

/// Whether two names are the same but for the case of ASCII letters.
bool same_name(std::string_view a, std::string_view b);

/// The usual spelling of a well-known header, whatever its case (`content-type` is `Content-Type`);
/// any other name as it was sent. Conditions of rules see headers by these names.
std::string_view canonical_name(std::string_view sent);

}  // namespace millrace::net
