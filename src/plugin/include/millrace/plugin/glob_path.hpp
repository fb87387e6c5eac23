// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace {

/// Whether `text` as a whole fits the shell pattern: `*`, `?`, `[abc]`, `[a-z]`, `[!a]`, as
/// Python's fnmatch reads them. Characters are code points, upper and lower case differ, a `[`
/// without its `]` stands for itself, and nothing escapes. No pattern makes it backtrack more than
/// once a character.
bool glob_match(std::string_view pattern, std::string_view text);

/// A path whose segments are shell patterns, as the filters of the original look things up:
/// `alerts.0.labels.*name`. Unlike Path it is written with a separator of the user's choice, knows
/// no brackets, and searches the whole event.
class GlobPath {
 public:
  /// Separators at the start are ignored. One segment may be `**`: any number of steps, also none.
  /// An empty text is the path of the event itself. Errors: invalid_settings for an empty separator
  /// or a second `**`.
  static Result<GlobPath> parse(std::string_view text, std::string_view separator);

  /// The one value that the path leads to. Steps go to keys of objects and to places of lists (`0`,
  /// `00`, `-1`). Errors: not_found; invalid_event when the path fits several values, or when the
  /// event holds an empty key: the original then fails too, whether or not the path leads there.
  Result<const Value*> get(const Value& root) const;

  const std::string& text() const { return text_; }

 private:
  GlobPath(std::string_view text, std::vector<std::string> segments)
      : text_(text), segments_(std::move(segments)) {}

  std::string text_;
  std::vector<std::string> segments_;  ///< none: the event itself
};

}  // namespace millrace
