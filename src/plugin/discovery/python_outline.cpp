// SPDX-License-Identifier: Apache-2.0
// Reads a Python file one logical line after the other: strings, comments, brackets and continued
// lines are skipped as Python would, so that what stands in them is not taken for a statement.
// Statements are looked at only as far as the outline needs it. Wrong Python is read as well as it
// goes; every step moves on, so the work is linear.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <utility>

#include "millrace/plugin/python_documentation.hpp"
#include "python_string.hpp"

namespace millrace {
namespace {

constexpr std::array<std::string_view, 7> kConditions = {"if",     "elif",    "else", "try",
                                                         "except", "finally", "with"};
// Never inside brackets: where a line begins so, an open bracket was a mistake.
constexpr std::array<std::string_view, 4> kStatements = {"def", "class", "async", "import"};

bool starts_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool continues_name(char c) {
  return starts_name(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
}
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\f' || c == '\r'; }

class Outliner {
 public:
  explicit Outliner(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  }

  PythonOutline take() && {
    while (at_ < text_.size()) {
      const auto indentation = skip_indentation();
      if (!at_end_of_line()) statement(indentation == 0);
      skip_line();
    }
    return std::move(outline_);
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool at_end_of_line() const { return at_ >= text_.size() || peek() == '\n' || peek() == '#'; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(peek())) ++at_;
  }
  std::size_t skip_indentation() {
    const auto begin = at_;
    skip_blanks();
    return at_ - begin;
  }
  std::string_view name() {
    const auto begin = at_;
    if (at_ < text_.size() && starts_name(peek())) {
      while (at_ < text_.size() && continues_name(peek())) ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }
  std::string_view next_name() {
    skip_blanks();
    return name();
  }
  std::string_view dotted_name() {
    skip_blanks();
    const auto begin = at_;
    while (at_ < text_.size() && (continues_name(peek()) || peek() == '.')) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  bool take_char(char wanted) {
    skip_blanks();
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }

  std::size_t line_of(std::size_t position) {  // positions come in order
    line_ += static_cast<std::size_t>(
        std::count(text_.begin() + static_cast<std::ptrdiff_t>(counted_),
                   text_.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
    counted_ = position;
    return line_;
  }

  void statement(bool at_top) {
    const auto begin = at_;
    if (at_top && read_docstring()) return;
    const auto word = name();
    if (at_top) condition_ = std::ranges::find(kConditions, word) != kConditions.end();
    first_ = false;
    if (!at_top && !condition_) return;
    const auto entry = at_top ? PythonOutline::Entry::function : PythonOutline::Entry::other;
    if (word == "def") {
      definition(begin, entry);
    } else if (word == "async" && next_name() == "def") {
      definition(begin, at_top ? PythonOutline::Entry::coroutine : entry);
    } else if (word == "import") {
      import_modules();
    } else if (word == "from") {
      import_names();
    } else if (word == "main") {
      if (is_assignment()) found_entry(PythonOutline::Entry::other, begin);
    } else if (at_top && (word == "DOCUMENTATION" || word == "EXAMPLES")) {
      auto text = is_assignment() ? text_constant() : std::nullopt;
      if (text) (word == "EXAMPLES" ? outline_.examples : outline_.documentation) = std::move(text);
    }
  }

  bool read_docstring() {
    if (!first_) return false;
    auto text = text_constant();
    if (!text) return false;
    outline_.docstring = std::move(text);
    first_ = false;
    return true;
  }

  void found_entry(PythonOutline::Entry entry, std::size_t begin) {
    outline_.entry = entry;
    outline_.entry_place = {.line = line_of(begin), .column = 1, .length = at_ - begin};
    outline_.parameters.clear();
  }

  void definition(std::size_t begin, PythonOutline::Entry entry) {
    if (next_name() != "main") return;
    found_entry(entry, begin);
    if (take_char('(')) read_parameters();
  }

  // After the opening bracket.
  void read_parameters() {
    std::size_t depth = 1;
    bool expected = true;
    while (at_ < text_.size() && depth > 0) {
      if (expected && starts_name(peek()) && !PythonString::starts(text_.substr(at_))) {
        outline_.parameters.emplace_back(name());
        expected = false;
        continue;
      }
      const char c = peek();
      if (c == ',' && depth == 1) expected = true;
      if (c == ':' || c == '=') expected = false;
      skip_token(depth);
    }
  }

  void import_modules() {
    do {
      const auto module = dotted_name();
      if (is_millrace(module)) outline_.imports_millrace = true;
      const auto begin = at_;
      auto known_as = module;
      if (next_name() == "as") {
        known_as = next_name();
      } else {
        at_ = begin;
      }
      if (known_as == "main") found_entry(PythonOutline::Entry::other, begin);
    } while (take_char(','));
  }

  void import_names() {
    const auto module = dotted_name();
    if (is_millrace(module)) outline_.imports_millrace = true;
    if (next_name() != "import") return;
    const auto begin = at_;
    const bool bracketed = take_char('(');
    std::string_view known_as;
    while (at_ < text_.size() && peek() != ')' && (bracketed || !at_end_of_line())) {
      if (starts_name(peek())) {
        known_as = name();
      } else {
        if (peek() == ',' && known_as == "main") break;
        if (peek() == ',') known_as = {};
        std::size_t depth = 1;
        skip_token(depth);
      }
    }
    if (known_as == "main") found_entry(PythonOutline::Entry::other, begin);
  }

  static bool is_millrace(std::string_view module) {
    return module == "millrace" || module.starts_with("millrace.");
  }

  // `= …` or `: annotation = …` follows; moves behind the sign.
  bool is_assignment() {
    skip_blanks();
    if (peek() == ':') {
      while (!at_end_of_line() && peek() != '=') ++at_;
    }
    if (peek() != '=' || peek(1) == '=') return false;
    ++at_;
    return true;
  }

  // One literal or several in a row, in brackets or not.
  std::optional<PythonOutline::Text> text_constant() {
    const auto begin = at_;
    const bool bracketed = take_char('(');
    std::optional<PythonOutline::Text> constant;
    for (;;) {
      skip_blanks();
      if (bracketed && (peek() == '\n' || peek() == '#')) {
        std::size_t depth = 1;
        skip_token(depth);
        continue;
      }
      if (!PythonString::starts(text_.substr(at_))) break;
      auto string = PythonString::read(text_.substr(at_));
      if (!constant) constant = {.text = {}, .line = line_of(at_ + string.content)};
      constant->text += string.decoded;
      at_ += string.length;
    }
    if (!constant) at_ = begin;
    if (constant && bracketed) take_char(')');
    return constant;
  }

  // One token; at least one byte.
  void skip_token(std::size_t& depth) {
    const char c = peek();
    if (PythonString::starts(text_.substr(at_))) {
      at_ += PythonString::length_of(text_.substr(at_));
    } else if (starts_name(c)) {
      if (name() == "Plugin" && peek() == '(') outline_.makes_plugin = true;
    } else if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else {
      if (c == '(' || c == '[' || c == '{') ++depth;
      if ((c == ')' || c == ']' || c == '}') && depth > 0) --depth;
      at_ += c == '\\' ? 2 : 1;
      if (c == '\\' && at_ <= text_.size() && text_[at_ - 1] == '\r' && peek() == '\n') ++at_;
      at_ = std::min(at_, text_.size());
    }
  }

  // To the end of the logical line.
  void skip_line() {
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const bool ends = peek() == '\n';
      skip_token(depth);
      if (ends && (depth == 0 || begins_statement())) return;
    }
  }
  bool begins_statement() const {
    const auto rest = text_.substr(at_);
    return std::ranges::any_of(kStatements, [&](std::string_view word) {
      return rest.starts_with(word) && rest.size() > word.size() && is_blank(rest[word.size()]);
    });
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;  // of the position counted_
  std::size_t counted_ = 0;
  bool first_ = true;       // no statement yet
  bool condition_ = false;  // what is indented is under a condition of the top level
  PythonOutline outline_;
};

}  // namespace

PythonOutline outline_python(std::string_view text) { return Outliner(text).take(); }

}  // namespace millrace
