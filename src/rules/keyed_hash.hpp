// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "millrace/event/event_reader.hpp"

namespace millrace::rules {

/// A hash of the value and of its type: equal for values that join (1 and 1.0 do not). Without
/// knowing `key`, nobody can make values that collide.
std::uint64_t keyed_hash(const Slot& slot, std::uint64_t key);
std::uint64_t keyed_hash(std::string_view text, std::uint64_t key);

}  // namespace millrace::rules
