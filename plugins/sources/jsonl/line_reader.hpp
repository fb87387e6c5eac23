// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "blocks.hpp"
#include "input.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/event.hpp"

namespace millrace::jsonl {

/// The lines of one block, as events that are views into it.
struct Lines {
  std::vector<Event> events;
  std::shared_ptr<const void> memory;
  struct TooLong {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
  };
  std::vector<TooLong> too_long;        ///< lines that were left out
  std::optional<Error> fault;           ///< the input broke after these lines
  bool end = false;                     ///< nothing follows; also after a fault
  std::optional<double> fraction_read;  ///< of the file, up to the end of these lines
};

/// Cuts an input into lines, a block at a time.
///
/// A block goes to the engine as it was read; only the begun line at its end is copied, to the
/// front of the next one. When the lines fill a small part of the block (a stream), they are copied
/// instead and the block is kept, so that a line that the engine holds for long does not hold a
/// block. A line longer than a block gets a block of its size, up to the limit.
///
/// Blocks: used on the pool, one thread at a time.
class LineReader {
 public:
  enum class Fill {
    whole_block,       ///< reads until the block is full
    what_has_arrived,  ///< reads once: a stream must not be waited for
  };
  struct Options {
    Fill fill = Fill::whole_block;
    std::size_t line_limit = 0;  ///< bytes; longer lines are left out
  };

  LineReader(std::unique_ptr<Input> input, std::shared_ptr<BlockStore> store, Options options);

  /// The next lines; none, without an end, when no line is complete yet. Not to be called after the
  /// end.
  Lines read();
  const Input& input() const { return *input_; }

 private:
  void fill(Lines& out);
  std::size_t drop_long_line(Lines& out);
  void hand_over(std::size_t begin, std::size_t end, Lines& out);
  void keep_rest(std::size_t from);
  std::size_t capacity_for(std::size_t rest) const;
  bool fits(std::size_t rest) const;
  void split(std::string_view text, Lines& out);
  void add(std::string_view line, Lines& out);

  const std::unique_ptr<Input> input_;
  const std::shared_ptr<BlockStore> store_;
  const Options options_;
  std::shared_ptr<Block> block_;
  std::size_t filled_ = 0;
  std::uint64_t number_ = 0;   ///< of the last line
  std::uint64_t dropped_ = 0;  ///< bytes of a too long line so far; 0: not inside one
  std::size_t expected_ = 64;  ///< lines a block, going by the last one
};

}  // namespace millrace::jsonl
