// SPDX-License-Identifier: Apache-2.0
#include "line_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace::jsonl {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_blank(std::string_view line) {
  // The first byte of nearly every line settles it.
  return line.empty() || ((line.front() == ' ' || line.front() == '\t') &&
                          line.find_first_not_of(" \t") == std::string_view::npos);
}

const char* last_newline(const char* text, std::size_t bytes) {
  return static_cast<const char*>(::memrchr(text, '\n', bytes));
}

}  // namespace

LineReader::LineReader(std::unique_ptr<Input> input, std::shared_ptr<BlockStore> store,
                       Options options)
    : input_(std::move(input)),
      store_(std::move(store)),
      options_(options),
      block_(store_->take(store_->usual())) {}

Lines LineReader::read() {
  Lines out;
  const auto begun = filled_;  // a line without its end
  fill(out);
  const auto begin = dropped_ > 0 ? drop_long_line(out) : 0;
  auto end = std::max(begin, begun);
  if (const char* newline = last_newline(block_->text.get() + end, filled_ - end)) {
    end = static_cast<std::size_t>(newline - block_->text.get()) + 1;
  } else {
    end = begin;
  }
  if (out.end && !out.fault) end = filled_;  // the last line may lack a newline
  if (filled_ - end > options_.line_limit) {
    dropped_ = filled_ - end;
    filled_ = end;
  }
  hand_over(begin, end, out);
  out.fraction_read = input_->fraction_read();
  return out;
}

void LineReader::fill(Lines& out) {
  do {
    const auto piece = input_->read({block_->text.get() + filled_, block_->capacity - filled_});
    if (!piece) {
      out.fault = piece.error();
      out.end = true;
      return;
    }
    filled_ += piece->bytes;
    out.end = piece->end;
  } while (!out.end && options_.fill == Fill::whole_block && filled_ < block_->capacity);
}

// Where in the block the text behind the too long line begins.
std::size_t LineReader::drop_long_line(Lines& out) {
  const std::string_view text(block_->text.get(), filled_);
  const auto line_end = std::min(text.find('\n'), text.size());
  dropped_ += line_end;
  if (line_end == text.size() && !out.end) return line_end;
  out.too_long.push_back({++number_, dropped_});
  dropped_ = 0;
  return std::min(line_end + 1, text.size());
}

// Makes events of [begin, end) and prepares the block that is filled next.
void LineReader::hand_over(std::size_t begin, std::size_t end, Lines& out) {
  const auto bytes = end - begin;
  if (bytes == 0) {
    keep_rest(end);
  } else if (bytes < block_->capacity / 4) {
    auto copy = std::make_shared<Block>(bytes);
    std::memcpy(copy->text.get(), block_->text.get() + begin, bytes);
    split({copy->text.get(), bytes}, out);
    out.memory = std::move(copy);
    keep_rest(end);
  } else {
    const auto rest = filled_ - end;
    auto next = store_->take(capacity_for(rest));
    std::memcpy(next->text.get(), block_->text.get() + end, rest);
    split({block_->text.get() + begin, bytes}, out);
    out.memory = std::exchange(block_, std::move(next));
    filled_ = rest;
  }
}

void LineReader::keep_rest(std::size_t from) {
  const auto rest = filled_ - from;
  if (fits(rest)) {
    std::memmove(block_->text.get(), block_->text.get() + from, rest);
  } else {
    auto larger = store_->take(capacity_for(rest));
    std::memcpy(larger->text.get(), block_->text.get() + from, rest);
    block_ = std::move(larger);
  }
  filled_ = rest;
}

// A begun line longer than half a block gets room to double, but not beyond the limit.
std::size_t LineReader::capacity_for(std::size_t rest) const {
  const auto usual = store_->usual();
  if (rest <= usual / 2) return usual;
  return rest + std::max(usual, std::min(rest, options_.line_limit - rest));
}

bool LineReader::fits(std::size_t rest) const {
  const auto usual = store_->usual();
  const bool has_room = block_->capacity - rest >= (usual + 1) / 2;
  const bool is_oversized = block_->capacity > usual && rest <= usual / 2;
  return has_room && !is_oversized;
}

void LineReader::split(std::string_view text, Lines& out) {
  out.events.reserve(std::min(expected_ + expected_ / 8, text.size() / 2 + 1));
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    const auto* newline =
        static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    const char* const line_end = newline == nullptr ? end : newline;
    add({at, line_end}, out);
    at = line_end + 1;
  }
  expected_ = std::max<std::size_t>(out.events.size(), 16);
}

void LineReader::add(std::string_view line, Lines& out) {
  if (++number_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > options_.line_limit) {
    out.too_long.push_back({number_, line.size()});
  } else if (!is_blank(line)) {
    out.events.emplace_back(Event::Text{line, number_});
  }
}

}  // namespace millrace::jsonl
