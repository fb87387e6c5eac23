// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/base/result.hpp"

namespace millrace::kafka {

/// Turns bytes of an encoding, named as Python names them, into UTF-8. Any thread.
class TextDecoder {
 public:
  TextDecoder() = default;
  /// Errors: invalid_settings for a name that nobody knows.
  static Result<TextDecoder> of(std::string_view encoding);

  /// Whether bytes are what they mean already, once they are known to be valid UTF-8.
  bool is_utf8() const { return kind_ == Kind::utf8 && !strips_mark_; }
  /// Nothing when the bytes are not of the encoding.
  std::optional<std::string> decode(std::string_view bytes) const;

 private:
  enum class Kind : std::uint8_t { utf8, ascii, other };
  Kind kind_ = Kind::utf8;
  std::string name_;  // of others, as iconv wants it
  bool strips_mark_ = false;
};

}  // namespace millrace::kafka
