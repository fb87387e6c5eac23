// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/plugin.h"

namespace millrace::native {

using millrace::view;

inline std::string_view view(millrace_text text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}

inline millrace_text text_of(std::string_view text) { return {text.data(), text.size()}; }

/// A C string that may be NULL.
inline std::string_view view(const char* text) { return text == nullptr ? "" : text; }

/// A plugin's struct as this version knows it: what an older plugin does not have is zero.
template <class Struct>
Struct taken(const Struct& given) {
  Struct known{};
  std::memcpy(&known, &given, std::min(given.struct_size, sizeof(Struct)));
  return known;
}

millrace_status status_of(Errc code);

/// Not for MILLRACE_OK.
Errc code_of(millrace_status status);

}  // namespace millrace::native
