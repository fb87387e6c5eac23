// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace {

/// One code point and the bytes that it takes; length 0: the bytes are no valid UTF-8.
struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;
};

/// The first code point of a text that is not empty. Overlong forms, surrogates and what lies
/// beyond U+10FFFF are refused.
CodePoint decode_utf8(std::string_view text);

/// `value` must be a code point, and no surrogate.
void append_utf8(std::string& out, char32_t value);

}  // namespace millrace
