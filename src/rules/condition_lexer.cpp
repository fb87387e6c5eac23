// SPDX-License-Identifier: Apache-2.0
#include "condition_lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

#include "millrace/base/text.hpp"

namespace millrace::rules {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

struct NamedRoot {
  std::string_view name;
  Root root;
};
constexpr std::array kRoots = {NamedRoot{"event", Root::event}, NamedRoot{"events", Root::events},
                               NamedRoot{"fact", Root::fact}, NamedRoot{"facts", Root::facts},
                               NamedRoot{"vars", Root::vars}};

// Words that a bracket or a dot may follow at once: `in[1, 2]`.
constexpr std::array<std::string_view, 6> kWordsBeforeValues = {"in",  "contains", "not",
                                                                "and", "or",       "is"};

constexpr std::array<std::string_view, 17> kSymbols = {
    "<<", "<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "(", ")", "[", "]", ",", "="};

// What people write who come from other languages; longer ones first.
struct Foreign {
  std::string_view text;
  std::string_view expected;
  std::string_view hint;
};
constexpr std::array kForeign = {
    Foreign{"===", "`==`", "equality is written `==`"},
    Foreign{"!==", "`!=`", "inequality is written `!=`"},
    Foreign{"<=>", "an operator", "the comparisons are `==`, `!=`, `<`, `<=`, `>` and `>=`"},
    Foreign{"&&", "`and`", "`&&` is written `and`"},
    Foreign{"||", "`or`", "`||` is written `or`"},
    Foreign{"<>", "`!=`", "`<>` is written `!=`"},
    Foreign{"=>", "`>=`", "`=>` is written `>=`"},
    Foreign{"=<", "`<=`", "`=<` is written `<=`"},
    Foreign{"=~", "`is search(...)`", "a regular expression is written `is search(\"...\")`"},
    Foreign{"{{", "a path, a value or a parenthesis",
            "conditions are no templates: write event.x, not {{ event.x }}"},
    Foreign{"&", "`and`", "`&` is written `and`"},
    Foreign{"|", "`and`, `or` or the end", "conditions know no filters; \"or\" is written `or`"},
    Foreign{"%", "`+`, `-` or a comparison", "conditions cannot take remainders"},
    Foreign{"!", "`not`", "`!` is written `not`"},
    Foreign{"?", "an operator", "conditions have no choice of values; use two rules"},
    Foreign{"`", "a quoted string", "strings are quoted with ' or \""},
    Foreign{"\u2018", "a quoted string", "strings are quoted with ' or \", not with curly quotes"},
    Foreign{"\u2019", "a quoted string", "strings are quoted with ' or \", not with curly quotes"},
    Foreign{"\u201c", "a quoted string", "strings are quoted with ' or \", not with curly quotes"},
    Foreign{"\u201d", "a quoted string", "strings are quoted with ' or \", not with curly quotes"},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - at;
}

// Length of the number without its sign: digits, a fraction, an exponent.
std::size_t number_length(std::string_view text) {
  std::size_t length = digits_at(text, 0);
  if (text.substr(length).starts_with('.')) length += 1 + digits_at(text, length + 1);
  if (length < text.size() && (text[length] == 'e' || text[length] == 'E')) {
    const std::size_t sign =
        length + 1 < text.size() && (text[length + 1] == '+' || text[length + 1] == '-') ? 1 : 0;
    const std::size_t digits = digits_at(text, length + 1 + sign);
    if (digits > 0) length += 1 + sign + digits;
  }
  return length;
}

// Integers keep their value while they fit in 64 bits. Nothing if even a double cannot hold it.
std::optional<Value> number_value(std::string_view text) {
  const auto parse = [&](auto& number) {
    return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc();
  };
  if (text.find_first_of(".eE") == std::string_view::npos) {
    std::int64_t integer = 0;
    if (parse(integer)) return Value(integer);
    std::uint64_t wide = 0;
    if (parse(wide)) return Value(wide);
  }
  double real = 0;
  if (parse(real)) return Value(real);
  return std::nullopt;
}

// `\n`, `\t`, `\r` and `\f` become characters; other backslashes stay, for regular expressions.
std::string unescape(std::string_view text) {
  constexpr std::string_view kLetters = "ntrf";
  constexpr std::string_view kCharacters = "\n\t\r\f";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto escape = text[i] == '\\' && i + 1 < text.size() ? kLetters.find(text[i + 1])
                                                               : std::string_view::npos;
    if (escape == std::string_view::npos) {
      out += text[i];
    } else {
      out += kCharacters[escape];
      ++i;
    }
  }
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run(std::size_t most) {
    do {
      at_ = std::min(text_.find_first_not_of(kBlank, at_), text_.size());
      take_one();
    } while (tokens_.size() < most && tokens_.back().kind != Token::Kind::end &&
             tokens_.back().kind != Token::Kind::fault);
    return std::move(tokens_);
  }

 private:
  void take_one() {
    const auto rest = text_.substr(at_);
    if (rest.empty()) {
      add(Token::Kind::end, 0);
    } else if (rest[0] == '"' || rest[0] == '\'') {
      take_string(rest);
    } else if (is_digit(rest[0]) || (rest[0] == '.' && digits_at(rest, 1) > 0)) {
      take_number(rest);
    } else if (const auto length = name_length(rest); length > 0) {
      take_word(rest, length);
    } else {
      take_symbol(rest);
    }
  }

  Token& add(Token::Kind kind, std::size_t length) {
    Token token;
    token.kind = kind;
    token.offset = at_;
    token.text = text_.substr(at_, length);
    at_ += length;
    return tokens_.emplace_back(std::move(token));
  }

  void fault(std::size_t length, std::string expected, std::string hint) {
    Token& token = add(Token::Kind::fault, length);
    token.expected = std::move(expected);
    token.hint = std::move(hint);
  }

  void take_string(std::string_view rest) {
    const auto end = rest.find(rest[0], 1);
    const auto line_end = rest.find('\n');
    if (end == std::string_view::npos || line_end < end) {
      fault(std::min(end, line_end) == std::string_view::npos ? rest.size() : line_end,
            fmt::format("the closing quote {} on the same line", rest[0]),
            "strings end on the line where they begin; a line break in one is written \\n");
      return;
    }
    const auto content = rest.substr(1, end - 1);
    add(Token::Kind::string, end + 1).value = unescape(content);
  }

  void take_number(std::string_view rest) {
    const std::size_t length = number_length(rest);
    auto value = number_value(rest.substr(0, length));
    if (value) {
      add(Token::Kind::number, length).value = std::move(*value);
    } else {
      fault(length, "a number that fits in a double", "compare with a string, or a smaller number");
    }
  }

  void take_word(std::string_view rest, std::size_t length) {
    const auto word = rest.substr(0, length);
    const auto* root = std::ranges::find(kRoots, word, &NamedRoot::name);
    const auto after = rest.substr(length);
    const bool segment_follows = after.starts_with('.') || after.starts_with('[');
    if (segment_follows && root != kRoots.end()) {
      take_path(root->root, length);
    } else if (segment_follows &&
               std::ranges::find(kWordsBeforeValues, lower(word)) == kWordsBeforeValues.end()) {
      unknown_root(word, after);
    } else {
      add(Token::Kind::word, length);
    }
  }

  void take_path(Root root, std::size_t root_length) {
    const std::size_t start = at_;
    std::string_view rest = text_.substr(at_ + root_length);
    const bool bracketed = rest.starts_with('[');
    auto path = Path::take(rest);
    const std::size_t length = text_.size() - start - rest.size();
    if (!path) {
      at_ += length;
      fault(rest.empty() ? 0 : 1, "a path", path.error().message());
    } else if (bracketed && root != Root::event && root != Root::fact) {
      fault(root_length + 1, "a dot and a name",
            "only `event` and `fact` may be followed by a bracket at once");
    } else {
      Token& token = add(Token::Kind::path, length);
      token.root = root;
      token.path = std::move(*path);
    }
  }

  void unknown_root(std::string_view word, std::string_view after) {
    std::vector<std::string> names;
    names.reserve(kRoots.size());
    for (const auto& root : kRoots) names.emplace_back(root.name);
    auto hint = did_you_mean(word, names);
    if (hint.empty())
      hint = fmt::format("did you mean `event.{}{}`?", word, after.substr(0, path_length(after)));
    fault(word.size(), "event, events, fact, facts or vars", std::move(hint));
  }

  static std::size_t path_length(std::string_view text) {
    std::string_view rest = text;
    static_cast<void>(Path::take(rest));
    return text.size() - rest.size();
  }

  void take_symbol(std::string_view rest) {
    const auto begins = [&](std::string_view symbol) { return rest.starts_with(symbol); };
    const auto* foreign = std::ranges::find_if(kForeign, begins, &Foreign::text);
    const auto* symbol = std::ranges::find_if(kSymbols, begins);
    const bool known = symbol != kSymbols.end();
    if (foreign != kForeign.end() && (!known || foreign->text.size() > symbol->size())) {
      fault(foreign->text.size(), std::string(foreign->expected), std::string(foreign->hint));
    } else if (known) {
      add(Token::Kind::symbol, symbol->size());
    } else if (rest[0] == '.') {
      fault(1, "an operator or the end", "paths hold no blanks: event.a.b[0]");
    } else {
      fault(1, "an operator, a path or a value", "");
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view condition, std::size_t most) {
  return Lexer(condition).run(most);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

}  // namespace millrace::rules
