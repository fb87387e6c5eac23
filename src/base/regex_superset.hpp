// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/regex.hpp"

namespace millrace {

/// An expression for Hyperscan, in ASCII, that finds something in every text in which the pattern
/// it was made from does; it can find something in others too.
struct RegexSuperset {
  struct Element {
    std::string text;
    char letter = '\0';  ///< the ASCII character that it stands for, if it does and is not repeated
  };
  std::vector<Element> elements;
  bool ignore_case = false;
  bool multiline = false;

  std::string expression() const;
};

/// "Any character": may take the place of an element with a letter.
inline constexpr std::string_view kAnyCharacter = "(?s:.)";

/// None when the pattern holds something whose meaning is not known to be the same in both. What a
/// pattern that Regex refuses gives is not specified.
std::optional<RegexSuperset> superset_of(std::string_view pattern, Regex::Options options);

}  // namespace millrace
