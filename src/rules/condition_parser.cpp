// SPDX-License-Identifier: Apache-2.0
// Recursive descent. One table drives all binary operators: level by level, from the loosest to the
// tightest, a level reads operands of the next one with its own operators between them. The prefix
// `not` sits between two levels, tighter than `and`, looser than `in`; so it cannot begin the right
// side of a comparison.
#include "condition_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "millrace/base/text.hpp"

namespace millrace::rules {
namespace {

struct Binary {
  Operator op;
  std::size_t level;
  std::string_view text;
};

constexpr std::array kBinaries = {
    Binary{Operator::assign, 0, "<<"},
    Binary{Operator::both, 1, "and"},
    Binary{Operator::either, 1, "or"},
    Binary{Operator::in, 2, "in"},
    Binary{Operator::not_in, 2, "not in"},
    Binary{Operator::contains, 2, "contains"},
    Binary{Operator::not_contains, 2, "not contains"},
    Binary{Operator::is, 3, "is"},
    Binary{Operator::is_not, 3, "is not"},
    Binary{Operator::equal, 4, "=="},
    Binary{Operator::not_equal, 5, "!="},
    Binary{Operator::less, 6, "<"},
    Binary{Operator::greater, 6, ">"},
    Binary{Operator::less_equal, 7, "<="},
    Binary{Operator::greater_equal, 8, ">="},
    Binary{Operator::add, 9, "+"},
    Binary{Operator::subtract, 9, "-"},
    Binary{Operator::multiply, 10, "*"},
    Binary{Operator::divide, 10, "/"},
};
constexpr std::size_t kNotLevel = 2;  // operands of `and` and `or`: `not` may come before them
constexpr std::size_t kTermLevel = 11;

constexpr std::string_view kTerm = "a path, a value or a parenthesis";
constexpr std::array<std::string_view, 4> kLogicWords = {"and", "or", "not", "is"};
constexpr std::array<std::string_view, 5> kLiterals = {"true", "True", "false", "False", "null"};
constexpr std::array<std::string_view, 5> kRootNames = {"event", "events", "fact", "facts", "vars"};
constexpr std::array<std::string_view, 5> kTests = {"regex", "match", "search", "select",
                                                    "selectattr"};

template <class Names>
bool is_one_of(std::string_view word, const Names& names) {
  return std::ranges::find(names, word) != std::ranges::end(names);
}

const Binary& info(Operator op) { return *std::ranges::find(kBinaries, op, &Binary::op); }

// A word that may stand for itself as a string: ASCII letters and digits.
bool is_bareword(std::string_view word) {
  return std::ranges::all_of(word, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), tokens_(tokenize(text)) {}

  std::expected<Syntax, SyntaxFault> run() {
    auto syntax = parse_level(0);
    if (syntax && !at_end()) syntax = fail_at_rest();
    if (!syntax) return std::unexpected(std::move(fault_));
    return std::move(*syntax);
  }

 private:
  using Parsed = std::optional<Syntax>;  // nothing: fault_ says why
  struct Read {
    Operator op;
    std::size_t tokens;
  };

  const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool at_end() const { return peek().kind == Token::Kind::end; }
  void advance(std::size_t count = 1) { at_ += count; }

  std::nullopt_t fail(std::string_view expected, std::string_view hint = {}) {
    const Token& token = peek();
    const bool foreign = token.kind == Token::Kind::fault;
    fault_ = {token.offset, std::max<std::size_t>(token.text.size(), 1),
              foreign ? token.expected : std::string(expected), std::string(token.text),
              foreign ? token.hint : std::string(hint)};
    return std::nullopt;
  }

  // ---- binary levels

  // Two words with exactly one blank between them.
  bool is_pair(std::string_view second) const {
    const Token& first = peek();
    const Token& next = peek(1);
    return next.kind == Token::Kind::word && next.offset == first.end() + 1 &&
           text_[first.end()] == ' ' && next.text.size() == second.size() &&
           lower(next.text) == second;
  }

  std::optional<Read> peek_word_operator() const {
    const Token& token = peek();
    const auto small = lower(token.text);
    if (token.text == "and") return Read{Operator::both, 1};
    if (token.text == "or") return Read{Operator::either, 1};
    if (token.text == "is") {
      return is_pair("not") && peek(1).text == "not" ? Read{Operator::is_not, 2}
                                                     : Read{Operator::is, 1};
    }
    if (small == "in") return Read{Operator::in, 1};
    if (small == "contains") return Read{Operator::contains, 1};
    if (small == "not" && is_pair("in")) return Read{Operator::not_in, 2};
    if (small == "not" && is_pair("contains")) return Read{Operator::not_contains, 2};
    return std::nullopt;
  }

  std::optional<Read> peek_operator() const {
    const Token& token = peek();
    if (token.kind == Token::Kind::word) return peek_word_operator();
    if (token.kind != Token::Kind::symbol) return std::nullopt;
    const auto* found = std::ranges::find(kBinaries, token.text, &Binary::text);
    if (found == kBinaries.end()) return std::nullopt;
    return Read{found->op, 1};
  }

  Parsed parse_level(std::size_t level) {
    if (level == kTermLevel) return parse_term();
    if (level == kNotLevel && peek().is_word("not")) return parse_negation();
    auto first = parse_level(level + 1);
    if (!first) return std::nullopt;
    Syntax chain;
    while (const auto found = peek_operator()) {
      if (info(found->op).level != level) break;
      advance(found->tokens);
      auto next = parse_level(level + 1);
      if (!next) return std::nullopt;
      if (chain.operands.empty()) chain.operands.push_back(std::move(*first));
      chain.operands.push_back(std::move(*next));
      chain.operators.push_back(found->op);
    }
    if (chain.operands.empty()) return first;
    chain.kind = Syntax::Kind::chain;
    chain.offset = chain.operands.front().offset;
    chain.length = chain.operands.back().end() - chain.offset;
    return chain;
  }

  Parsed parse_negation() {
    Syntax negation;
    negation.kind = Syntax::Kind::negation;
    negation.offset = peek().offset;
    negation.times = 0;
    while (peek().is_word("not") && !is_bare_not()) {
      ++negation.times;
      advance();
    }
    auto operand = negation.times == 0 ? parse_term() : parse_level(kNotLevel);
    if (!operand || negation.times == 0) return operand;
    negation.length = operand->end() - negation.offset;
    negation.operands.push_back(std::move(*operand));
    return negation;
  }

  // ---- terms

  Parsed parse_term() {
    const Token& token = peek();
    switch (token.kind) {
      case Token::Kind::word:
        return parse_word();
      case Token::Kind::path:
      case Token::Kind::string:
      case Token::Kind::number:
        return take_leaf();
      case Token::Kind::symbol:
        if (token.text == "(") return parse_parenthesis();
        if (token.text == "[") return parse_list();
        if (token.text == "+" || token.text == "-") return parse_signed_number();
        break;
      case Token::Kind::fault:
      case Token::Kind::end:
        break;
    }
    return fail(kTerm, missing_term_hint());
  }

  std::string missing_term_hint() const {
    if (at_end()) return "something is missing at the end";
    if (peek().is_symbol("]")) return "a list cannot be empty";
    return {};
  }

  static Syntax leaf(Syntax::Kind kind, const Token& token, Value value = {}) {
    Syntax syntax;
    syntax.kind = kind;
    syntax.offset = token.offset;
    syntax.length = token.text.size();
    syntax.value = std::move(value);
    return syntax;
  }

  Parsed take_leaf() {
    const Token& token = peek();
    Syntax syntax = leaf(token.kind == Token::Kind::path     ? Syntax::Kind::path
                         : token.kind == Token::Kind::string ? Syntax::Kind::string
                                                             : Syntax::Kind::number,
                         token, token.value);
    syntax.root = token.root;
    syntax.path = token.path;
    advance();
    return syntax;
  }

  Parsed parse_signed_number() {
    const Token& sign = peek();
    if (peek(1).kind != Token::Kind::number) {
      return fail(kTerm, "a sign belongs to a number or stands between two operands");
    }
    if (!sign.touches(peek(1))) {
      return fail("a sign that touches its number",
                  fmt::format("write {}{}", sign.text, peek(1).text));
    }
    advance();
    auto number = take_leaf();
    number->offset = sign.offset;
    ++number->length;
    if (sign.text == "-") negate(number->value);
    return number;
  }

  static void negate(Value& number) {
    if (number.is_int64()) {
      number = -number.get_int64();
    } else if (number.is_uint64()) {  // beyond the positive ones; the least negative one fits
      constexpr auto kLeast = std::uint64_t{1} << 63U;
      number = number.get_uint64() == kLeast ? Value(std::numeric_limits<std::int64_t>::min())
                                             : Value(-static_cast<double>(number.get_uint64()));
    } else {
      number = -number.get_double();
    }
  }

  // Called at every opening parenthesis; whoever reads the closing one counts down again.
  bool enter() {
    if (++depth_ <= kDeepest) return true;
    fail(fmt::format("at most {} parentheses inside each other", kDeepest),
         "split the condition: `all` and `any` take lists of conditions");
    return false;
  }

  Parsed parse_parenthesis() {
    if (!enter()) return std::nullopt;
    const Token& open = peek();
    advance();
    auto inner = parse_level(0);
    if (!inner) return std::nullopt;
    if (!peek().is_symbol(")")) {
      return at_end() ? fail(fmt::format("`)` for the `(` at character {}", open.offset + 1))
                      : fail_at_rest();
    }
    advance();
    --depth_;
    return inner;
  }

  // ---- words

  // Whether the keyword stands where only a value can: `event.direction == in`.
  bool is_bare_keyword(std::size_t ahead = 0) const {
    const Token& next = peek(ahead + 1);
    return next.kind == Token::Kind::end || next.is_symbol(")") || next.is_symbol(",") ||
           next.is_word("and") || next.is_word("or");
  }

  // Whether `not` has nothing to negate. In `not and` it has: the string "and".
  bool is_bare_not() const {
    const bool word_follows = peek(1).is_word("and") || peek(1).is_word("or");
    return is_bare_keyword() && !(word_follows && is_bare_keyword(1));
  }

  Parsed parse_word() {
    const Token& word = peek();
    if (is_one_of(word.text, kLiterals)) return take_literal();
    if (is_one_of(word.text, kTests) && peek(1).is_symbol("(")) return parse_call();
    if (is_one_of(word.text, kRootNames)) {
      return fail(fmt::format("a path such as {}.name", word.text),
                  fmt::format("as a string it is written \"{}\"", word.text));
    }
    if (is_one_of(word.text, kLogicWords) && !is_bare_keyword()) {
      return fail(kTerm, misplaced_hint(word.text));
    }
    const auto begins = [&](std::string_view literal) { return word.text.starts_with(literal); };
    if (!is_bareword(word.text) || std::ranges::any_of(kLiterals, begins)) {
      return fail(kTerm, fmt::format("strings are quoted: \"{}\"", word.text));
    }
    Syntax bareword = leaf(Syntax::Kind::bareword, word, Value(word.text));
    advance();
    return bareword;
  }

  std::string misplaced_hint(std::string_view word) const {
    if (word != "not") return fmt::format("as a string it is written \"{}\"", word);
    if (at_ > 0 && tokens_[at_ - 1].is_word("is")) return "exactly one blank: is not";
    return "`not` stands before a whole test, or in parentheses";
  }

  Parsed take_literal() {
    const Token& word = peek();
    const bool is_null = word.text == "null";
    const bool truth = word.text == "true" || word.text == "True";
    Syntax literal = leaf(is_null ? Syntax::Kind::null : Syntax::Kind::boolean, word,
                          is_null ? Value() : Value(truth));
    advance();
    return literal;
  }

  // ---- lists and calls

  // Reads items separated by commas until `close`.
  template <class ParseItem>
  bool parse_items(std::string_view close, std::string_view after_item, ParseItem parse_item) {
    do {
      advance();
      if (!parse_item()) return false;
    } while (peek().is_symbol(","));
    if (!peek().is_symbol(close)) {
      fail(after_item, fault_hint());
      return false;
    }
    advance();
    return true;
  }

  Parsed parse_list() {
    Syntax list = leaf(Syntax::Kind::list, peek());
    const bool complete = parse_items("]", "`,` or `]`", [&] {
      auto item = parse_list_item();
      if (item) list.operands.push_back(std::move(*item));
      return item.has_value();
    });
    if (!complete) return std::nullopt;
    list.length = tokens_[at_ - 1].end() - list.offset;
    return list;
  }

  Parsed parse_list_item() {
    const Token& token = peek();
    constexpr std::string_view kItem =
        "a list item (a number, a string, true, false, null or a path)";
    if (token.is_symbol("]")) return fail(kItem, "a list cannot be empty");
    if (token.is_symbol("[")) return fail(kItem, "a list cannot hold lists");
    if (token.is_symbol("(")) return fail(kItem);
    if (token.kind == Token::Kind::word && !is_one_of(token.text, kLiterals)) {
      return fail(kItem, fmt::format("strings in lists are quoted: \"{}\"", token.text));
    }
    return parse_term();
  }

  Parsed parse_call() {
    Syntax call = leaf(Syntax::Kind::call, peek());
    call.name = peek().text;
    const std::size_t most = call.name == "selectattr" ? 3 : call.name == "select" ? 2 : 1;
    const bool takes_options = most == 1;
    advance();
    if (!enter()) return std::nullopt;
    const auto after =
        takes_options ? "`,` and an option such as ignorecase=true, or `)`" : "`,` or `)`";
    const bool complete = parse_items(")", after, [&] {
      if (call.operands.size() == most) {
        return takes_options ? parse_option(call) : fail_too_many(call.name);
      }
      if (peek().is_symbol("(")) {
        fail("a path or a value", "arguments stand without parentheses and are not calculated");
        return false;
      }
      auto argument = parse_term();
      if (argument) call.operands.push_back(std::move(*argument));
      return argument.has_value();
    });
    if (!complete) return std::nullopt;
    if (call.operands.size() < most) {
      --at_;  // back to the parenthesis, where more was expected
      return fail("`,` and another argument", usage(call.name));
    }
    --depth_;
    call.length = tokens_[at_ - 1].end() - call.offset;
    return call;
  }

  static std::string usage(std::string_view name) {
    return name == "selectattr" ? "write selectattr(\"key\", \"operator\", value)"
                                : "write select(\"operator\", value)";
  }

  bool fail_too_many(std::string_view name) {
    --at_;
    fail("`)`", usage(name));
    return false;
  }

  bool parse_option(Syntax& call) {
    const Token& name = peek();
    if (name.kind != Token::Kind::word || !peek(1).is_symbol("=")) {
      fail("an option such as ignorecase=true");
      return false;
    }
    advance(2);
    const Token& value = peek();
    if (!is_one_of(value.text, kLiterals) || value.text == "null") {
      fail(fmt::format("true or false for {}", name.text));
      return false;
    }
    call.options.push_back({name.text, name.offset, value.text == "true" || value.text == "True"});
    advance();
    return true;
  }

  // ---- what stands where an operator or the end should be

  std::nullopt_t fail_at_rest() {
    return fail(depth_ > 0 ? "an operator or `)`" : "an operator or the end", fault_hint());
  }

  std::string fault_hint() const {
    const Token& token = peek();
    const Token& before = tokens_[at_ > 0 ? at_ - 1 : 0];
    if (before.kind == Token::Kind::string && before.text.contains('\\') && before.touches(token)) {
      return "a quote cannot be escaped; use the other kind of quote around it";
    }
    if (token.kind == Token::Kind::word) return word_hint(token, before);
    if (token.is_symbol("=")) return "equality is written `==`";
    if (token.is_symbol(")")) return "there is no `(` for it";
    if (token.is_symbol("[")) return "paths hold no blanks: event.a[0]";
    return token.kind == Token::Kind::path ? "tests are combined with `and` or `or`" : "";
  }

  std::string word_hint(const Token& token, const Token& before) const {
    const auto small = lower(token.text);
    const auto next = lower(peek(1).text);
    if (small == "not" && (next == "in" || next == "contains")) {
      return fmt::format("exactly one blank between the words: {} {}", token.text, peek(1).text);
    }
    if (is_one_of(small, kLogicWords) && small != token.text) {
      return fmt::format("`{}` is written in small letters: {}", token.text, small);
    }
    if (before.touches(token)) {
      return fmt::format("if it is one string, quote it: \"{}{}\"", before.text, token.text);
    }
    if (before.kind == Token::Kind::word) return "strings of several words are quoted";
    const std::vector<std::string> words = {"and", "or", "in", "contains", "is"};
    const auto like = did_you_mean(token.text, words);
    return like.empty() ? "the operators that are words are and, or, in, contains and is" : like;
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  SyntaxFault fault_;
};

}  // namespace

std::string_view to_string(Operator op) { return info(op).text; }

std::expected<Syntax, SyntaxFault> parse_syntax(std::string_view condition) {
  if (condition.size() > kLongest) {
    return std::unexpected(SyntaxFault{0, 1, fmt::format("at most {} bytes", kLongest),
                                       fmt::format("{} bytes", condition.size()),
                                       "put long lists into variables: event.x in vars.list"});
  }
  return Parser(condition).run();
}

std::optional<std::string> assignable(Root root, const Path& path) {
  if (root != Root::events && root != Root::facts) return std::nullopt;
  if (path.segments().size() != 1) return std::nullopt;
  const auto* key = std::get_if<Path::Key>(&path.segments().front());
  if (key == nullptr || !key->dotted) return std::nullopt;
  return key->name;
}

std::string alias_of(std::string_view condition) {
  const auto tokens = tokenize(condition, 2);
  if (tokens.size() < 2 || tokens[0].kind != Token::Kind::path || !tokens[1].is_symbol("<<")) {
    return {};
  }
  return assignable(tokens[0].root, tokens[0].path).value_or("");
}

}  // namespace millrace::rules
