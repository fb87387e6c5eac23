// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/diagnostic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace millrace {
namespace {

constexpr std::size_t kWidestLine = 160;  // a longer line is cut around the fault

std::string_view line_of(std::string_view text, std::size_t line) {
  for (std::size_t current = 1; current < line; ++current) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

// Columns are bytes; what the reader counts on the screen is characters.
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }

std::string marked_line(const Location& where, std::string_view text, Colour colour) {
  std::string_view line = line_of(text, where.line);
  if (line.empty() || where.column == 0) return {};
  std::size_t start = std::min(where.column - 1, line.size());
  if (line.size() > kWidestLine) {
    std::size_t cut = start > kWidestLine / 2 ? start - kWidestLine / 2 : 0;
    while (cut > 0 && continues_character(line[cut])) --cut;
    std::size_t end = std::min(cut + kWidestLine, line.size());
    while (end < line.size() && continues_character(line[end])) ++end;
    line = line.substr(cut, end - cut);
    start -= cut;
  }
  std::string margin(line.substr(0, start));
  std::erase_if(margin, continues_character);
  std::ranges::replace_if(margin, [](char c) { return c != '\t'; }, ' ');
  const auto marked = line.substr(start, where.length);
  const auto inner = static_cast<std::size_t>(std::ranges::count_if(marked, continues_character));
  const std::size_t length = std::max<std::size_t>(marked.size() - inner, 1);
  const auto number = fmt::format("{:>5}", where.line);
  const bool on = colour == Colour::on;
  return fmt::format("{} | {}\n{} | {}{}{}{}\n", number, line, std::string(number.size(), ' '),
                     margin, on ? "\x1b[1;32m" : "", std::string(length, '^'), on ? "\x1b[0m" : "");
}

}  // namespace

void Diagnostics::error(std::string code, Location where, std::string message, std::string hint) {
  ++errors_;
  items_.push_back(
      {Severity::error, std::move(code), std::move(where), std::move(message), std::move(hint)});
}

void Diagnostics::warning(std::string code, Location where, std::string message, std::string hint) {
  items_.push_back(
      {Severity::warning, std::move(code), std::move(where), std::move(message), std::move(hint)});
}

void Diagnostics::append(Diagnostics other) {
  errors_ += other.errors_;
  std::ranges::move(other.items_, std::back_inserter(items_));
}

void Diagnostics::soften(std::string_view code) {
  for (auto& item : items_) {
    if (item.severity != Severity::error || item.code != code) continue;
    item.severity = Severity::warning;
    --errors_;
  }
}

void Diagnostics::sort() {
  std::ranges::stable_sort(items_, {}, [](const Diagnostic& item) {
    return std::tie(item.where.file, item.where.line, item.where.column);
  });
}

std::string render(const Diagnostic& diagnostic, std::string_view text, Colour colour) {
  const bool on = colour == Colour::on;
  const bool error = diagnostic.severity == Severity::error;
  std::string place = diagnostic.where.file;
  if (diagnostic.where.line > 0)
    place += fmt::format(":{}:{}", diagnostic.where.line, diagnostic.where.column);
  std::string out =
      fmt::format("{}{}{}{}{}: {}{} [{}]\n", place, place.empty() ? "" : ": ",
                  on ? (error ? "\x1b[1;31m" : "\x1b[1;35m") : "", error ? "error" : "warning",
                  on ? "\x1b[0m" : "", diagnostic.message, "", diagnostic.code);
  if (diagnostic.where.line > 0) out += marked_line(diagnostic.where, text, colour);
  if (!diagnostic.hint.empty()) out += fmt::format("        hint: {}\n", diagnostic.hint);
  return out;
}

}  // namespace millrace
