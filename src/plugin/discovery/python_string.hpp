// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace {

/// A string literal of Python at the beginning of a text.
struct PythonString {
  std::string decoded;      ///< valid UTF-8, line ends as \n
  std::size_t content = 0;  ///< where its first character is
  std::size_t length = 0;   ///< with prefix and quotes

  /// Whether a literal begins here: a quote, perhaps after a prefix such as r or Rb.
  static bool starts(std::string_view text);
  /// Of a literal. One that is not closed goes to the end of its line, with three quotes to the end
  /// of the text.
  static std::size_t length_of(std::string_view text);
  static PythonString read(std::string_view text);
};

}  // namespace millrace
