// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "millrace/base/regex.hpp"

namespace millrace {

/// Tells in one pass over a text which of many patterns may match it, so that only those need be
/// searched for one by one. Never misses a pattern that Regex, compiled with the same options,
/// finds; may name some that Regex then does not. One thread at a time, as Regex.
///
/// A pattern for which Regex would say limit_exceeded need not be named.
class RegexSet {
 public:
  struct Pattern {
    std::string_view pattern;  ///< as given to Regex::compile(), which accepts it
    Regex::Options options;
  };

  /// Cannot fail: what cannot be filtered, for want of an equivalent or of a processor with SSSE3,
  /// is always named, as is a pattern that Regex refuses. Keeps nothing of `patterns`. Takes 1 to 3
  /// milliseconds a pattern: for start-up, not for the loop.
  static RegexSet compile(std::span<const Pattern> patterns);

  RegexSet(RegexSet&&) noexcept;
  RegexSet& operator=(RegexSet&&) noexcept;
  ~RegexSet();

  /// Replaces `may_match` by the indices of the patterns that may match, each once, in no order.
  /// `text` is valid UTF-8.
  void scan(std::string_view text, std::vector<std::uint32_t>& may_match) const;

  std::size_t size() const;

  /// The patterns that scan() always names, ascending: those that can match the empty text, and
  /// those that cannot be filtered.
  std::span<const std::uint32_t> unfiltered() const;

 private:
  struct Compiled;
  explicit RegexSet(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace millrace
