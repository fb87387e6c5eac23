// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "millrace/event/value.hpp"

namespace millrace::syslog {

/// What a syslog message says, as the event tells it: always the same keys, null where the message
/// has nothing. Never fails: a text without a priority is "raw", one whose header is not that of
/// RFC 5424 is taken for RFC 3164, as far as its parts can be told apart. Nothing of the text is
/// lost but line ends and NULs behind it.
Object parse_message(std::string_view bytes);

}  // namespace millrace::syslog
