// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "millrace/base/result.hpp"

namespace millrace {

/// A compiled regular expression (PCRE2, just-in-time compiled where the processor allows) whose
/// effort is bounded: a pattern that backtracks for ever gives limit_exceeded, not a hang. Patterns
/// and texts are UTF-8; texts must be valid. One thread at a time.
class Regex {
 public:
  enum class Anchor {
    none,   ///< found anywhere
    start,  ///< at the start of the text; with `multiline`, at the start of any line
  };
  struct Options {
    bool ignore_case = false;
    bool multiline = false;  ///< ^ and $ also match at line ends
    Anchor anchor = Anchor::none;
  };
  enum class Outcome { no_match, match, limit_exceeded };

  /// Errors: invalid_rule with the position and the reason.
  static Result<Regex> compile(std::string_view pattern, Options options);

  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  Outcome search(std::string_view text) const;
  const std::string& pattern() const;

  /// Backtracking steps after which a match is given up; about a millisecond.
  static constexpr std::uint32_t kMatchLimit = 100'000;

 private:
  struct Compiled;
  explicit Regex(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace millrace
