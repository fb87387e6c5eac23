// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::journald {

/// A field's value as rulebooks know it: as Python prints what its library makes of it. Several
/// values of one field are a list, in one text.
std::string field_text(std::string_view name, const std::vector<std::string_view>& values);

/// "2023-11-14 22:13:20.000001+00:00", of microseconds since 1970.
std::string timestamp_text(std::uint64_t microseconds);

/// "journal.Monotonic(timestamp=datetime.timedelta(seconds=1), bootid=UUID('…'))"; `boot` is 32
/// hexadecimal digits.
std::string monotonic_text(std::uint64_t microseconds, std::string_view boot);

}  // namespace millrace::journald
