// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/event/path.hpp"
#include "millrace/event/value.hpp"

namespace millrace::rules {

/// What a path starts from. All but vars mean the same: the event under test.
enum class Root { event, events, fact, facts, vars };

struct Token {
  enum class Kind {
    word,    ///< keyword, literal or bare string: whoever parses knows which
    path,    ///< `root` and `path`
    string,  ///< `value`, escapes replaced
    number,  ///< `value`; signs are symbols of their own
    symbol,
    fault,  ///< no token of the language: `expected` and `hint`; the last one
    end,
  };

  Kind kind = Kind::end;
  std::size_t offset = 0;
  std::string_view text;  ///< as written; lives as long as the condition's text
  Value value;
  Root root = Root::event;
  Path path;
  std::string expected;
  std::string hint;

  std::size_t end() const { return offset + text.size(); }
  bool is_word(std::string_view word) const { return kind == Kind::word && text == word; }
  bool is_symbol(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
  /// Whether nothing stands between the two.
  bool touches(const Token& next) const { return end() == next.offset; }
};

/// The condition's tokens up to its end or to the first fault, and the last one is of that kind; or
/// the first `most`.
std::vector<Token> tokenize(std::string_view condition, std::size_t most = std::string_view::npos);

/// In small letters; ASCII only.
std::string lower(std::string_view text);

}  // namespace millrace::rules
