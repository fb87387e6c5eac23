// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// A place in a text that a user wrote. Lines and columns (bytes) count from 1; 0 means that the
/// place is not known.
struct Location {
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;
  std::size_t length = 1;  ///< columns to underline

  friend bool operator==(const Location&, const Location&) = default;
};

enum class Severity { error, warning };

/// One fault in what a user wrote, with all that is needed to mend it.
struct Diagnostic {
  Severity severity = Severity::error;
  std::string code;  ///< stable and greppable: "unknown-action"
  Location where;
  std::string message;  ///< what is wrong, naming the offending text
  std::string hint;     ///< how to mend it; may be empty

  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

/// Everything found in one check: all faults at once, in the order of the text.
class Diagnostics {
 public:
  void error(std::string code, Location where, std::string message, std::string hint = {});
  void warning(std::string code, Location where, std::string message, std::string hint = {});

  bool has_errors() const { return errors_ > 0; }
  bool empty() const { return items_.empty(); }
  const std::vector<Diagnostic>& items() const { return items_; }
  void append(Diagnostics other);
  /// Errors of that code become warnings.
  void soften(std::string_view code);

  /// Sorts by file, line and column; items of one place keep their order.
  void sort();

 private:
  std::vector<Diagnostic> items_;
  std::size_t errors_ = 0;
};

enum class Colour { off, on };

/// `file:line:column: error: message`, the offending line with carets below, and the hint. `text`
/// is the file's content (empty: the line is not shown).
std::string render(const Diagnostic& diagnostic, std::string_view text, Colour colour);

}  // namespace millrace
