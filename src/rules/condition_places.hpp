// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/diagnostic.hpp"
#include "millrace/event/yaml.hpp"

namespace millrace::rules {

/// A file's text, and where its lines begin.
class SourceText {
 public:
  explicit SourceText(std::string_view text);
  std::string_view text() const { return text_; }
  /// Bytes before the place; nothing if the text has no such place.
  std::optional<std::size_t> offset_of(const Location& where) const;

 private:
  std::string_view text_;
  std::vector<std::size_t> lines_;
};

/// Where in the rulebook each byte of a condition's text stands.
class Places {
 public:
  /// A text that begins at `where` and goes on in the same columns of the lines below.
  Places(std::string_view text, const Location& where);

  /// The text of a scalar, found again in the file that holds it: behind quotes, escapes, folded
  /// lines and the indentation of blocks. Where that fails every byte is said to be where the
  /// scalar begins.
  static Places of_scalar(const YamlNode& scalar, const SourceText& file);

  /// `length` is cut at the end of the line.
  Location at(std::size_t offset, std::size_t length) const;
  Location begin() const { return at(0, 1); }

 private:
  struct Place {
    std::size_t line;
    std::size_t column;
  };
  // Bytes that stand side by side, until the next run.
  struct Run {
    std::size_t offset;
    Place place;
  };
  class Aligner;
  explicit Places(std::string file) : file_(std::move(file)) {}
  void add(Place next);
  Place place_of(std::size_t offset) const;

  std::string file_;
  std::vector<Run> runs_;
  std::size_t size_ = 0;  // bytes with a place: all of the text, and its end
};

}  // namespace millrace::rules
