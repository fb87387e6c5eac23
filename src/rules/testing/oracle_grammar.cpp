// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/testing/oracle_grammar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <span>
#include <system_error>
#include <utility>

#include "millrace/event/path.hpp"

namespace millrace::rules::testing {
namespace {

enum class Blanks { free, none };

struct Definition {
  std::string_view name;
  Blanks blanks;
  std::string_view text;
};

// "word" ends where the word ends, ~"word" has any letter case, 'text' may be followed by anything,
// <class> is one character, !x says that no x follows; the rest is as in EBNF.
constexpr std::array kSpecification = {
    Definition{"condition", Blanks::free, R"-(expr <end>)-"},
    Definition{"expr", Blanks::free, R"-(assign)-"},
    Definition{"assign", Blanks::free, R"-(logic { "<<" logic })-"},
    Definition{"logic", Blanks::free, R"-(negation { ("and" | "or") negation })-"},
    Definition{"negation", Blanks::free, R"-("not" negation | membership)-"},
    Definition{"membership", Blanks::free,
               R"-(istest { (~"not in" | ~"in" | ~"not contains" | ~"contains") istest })-"},
    Definition{"istest", Blanks::free, R"-(equality { ("is not" | "is") equality })-"},
    Definition{"equality", Blanks::free, R"-(inequality { "==" inequality })-"},
    Definition{"inequality", Blanks::free, R"-(ltgt { "!=" ltgt })-"},
    Definition{"ltgt", Blanks::free, R"-(le { ("<" | ">") le })-"},
    Definition{"le", Blanks::free, R"-(ge { "<=" ge })-"},
    Definition{"ge", Blanks::free, R"-(additive { ">=" additive })-"},
    Definition{"additive", Blanks::free, R"-(multiplic { ("+" | "-") multiplic })-"},
    Definition{"multiplic", Blanks::free, R"-(term { ("*" | "/") term })-"},
    Definition{"term", Blanks::free,
               R"-(selectattr | select | strtest | list | number | null | boolean
                  | path | string | bareword | "(" expr ")")-"},
    Definition{"path", Blanks::none,
               R"-(root attribute { segment } | ("event" | "fact") segment { segment })-"},
    Definition{"root", Blanks::none, R"-("event" | "events" | "fact" | "facts" | "vars")-"},
    Definition{"attribute", Blanks::none, R"-('.' identifier)-"},
    Definition{"segment", Blanks::none, R"-(attribute | '[' (quoted | integer) ']')-"},
    Definition{"identifier", Blanks::none, R"-(<name start> { <name> })-"},
    Definition{"quoted", Blanks::none,
               R"-(<single quote> { <single quoted> } <single quote>
                  | <double quote> { <double quoted> } <double quote>)-"},
    Definition{"string", Blanks::none, R"-(quoted)-"},
    Definition{"number", Blanks::none, R"-(float | integer)-"},
    Definition{"integer", Blanks::none, R"-(['+' | '-'] <digit> { <digit> })-"},
    Definition{"float", Blanks::none,
               R"-(['+' | '-'] (digits '.' [digits] | '.' digits | digits)
                  [('e' | 'E') ['+' | '-'] digits])-"},
    Definition{"digits", Blanks::none, R"-(<digit> { <digit> })-"},
    Definition{"boolean", Blanks::none, R"-('true' | 'True' | 'false' | 'False')-"},
    Definition{"null", Blanks::none, R"-('null')-"},
    Definition{"list", Blanks::free, R"-("[" item { "," item } "]")-"},
    Definition{"item", Blanks::free, R"-(number | boolean | null | string | path)-"},
    Definition{"strtest", Blanks::free,
               R"-(("regex" | "match" | "search") "(" pattern { "," option } ")")-"},
    Definition{"option", Blanks::free, R"-(optname "=" boolean)-"},
    Definition{"optname", Blanks::free, R"-("ignorecase" | "multiline")-"},
    Definition{"select", Blanks::free, R"-("select" "(" text "," value ")")-"},
    Definition{"selectattr", Blanks::free, R"-("selectattr" "(" text "," text "," value ")")-"},
    Definition{"pattern", Blanks::free, R"-(string | path)-"},
    Definition{"text", Blanks::free, R"-(string | path)-"},  // a path of vars becomes a string
    Definition{"value", Blanks::free,
               R"-(list | number | null | boolean | path | string | bareword)-"},
    Definition{"bareword", Blanks::none, R"-(!root <letter> { <letter> | <digit> })-"},
};

// What Millrace has instead, and why: see the header.
constexpr std::array kMillrace = {
    Definition{"boolean", Blanks::none, R"-("true" | "True" | "false" | "False")-"},
    Definition{"null", Blanks::none, R"-("null")-"},
    Definition{"bareword", Blanks::none,
               R"-(!root !('true' | 'True' | 'false' | 'False' | 'null') !keyword
                  <letter> { <letter> | <digit> })-"},
    Definition{"keyword", Blanks::free,
               R"-(("and" | "or" | "not" | "is") !(<end> | ")" | "," | "and" | "or"))-"},
    Definition{"optname", Blanks::none, R"-(identifier)-"},
    Definition{"argument", Blanks::free, R"-(!"(" term)-"},
    Definition{"pattern", Blanks::free, R"-(argument)-"},
    Definition{"text", Blanks::free, R"-(argument)-"},
    Definition{"value", Blanks::free, R"-(argument)-"},
};
constexpr std::size_t kDeepest = 64;

// ---- characters

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_letter(char c) { return small(c) >= 'a' && small(c) <= 'z'; }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// Bytes of the character of a name at the start of `text`; 0: there is none.
std::size_t name_character(std::string_view text, bool first) {
  if (text.empty()) return 0;
  if (is_ascii(text[0])) {
    return is_letter(text[0]) || text[0] == '_' || (!first && is_digit(text[0])) ? 1 : 0;
  }
  std::size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80) {
    ++length;
  }
  const auto character = std::string(text.substr(0, length));
  return first ? name_length(character) : name_length("a" + character) - 1;
}

// Bytes of the character of `kind` at the start of `text`; nothing: there is none.
std::optional<std::size_t> character(std::string_view kind, std::string_view text) {
  if (kind == "end") return text.empty() ? std::optional<std::size_t>(0) : std::nullopt;
  if (text.empty()) return std::nullopt;
  const auto one_if = [](bool fits) { return fits ? std::optional<std::size_t>(1) : std::nullopt; };
  if (kind == "letter") return one_if(is_letter(text[0]));
  if (kind == "digit") return one_if(is_digit(text[0]));
  if (kind == "single quote") return one_if(text[0] == '\'');
  if (kind == "double quote") return one_if(text[0] == '"');
  if (kind == "single quoted") return one_if(text[0] != '\'' && text[0] != '\n');
  if (kind == "double quoted") return one_if(text[0] != '"' && text[0] != '\n');
  const std::size_t length = name_character(text, kind == "name start");
  return length > 0 ? std::optional(length) : std::nullopt;
}

// ---- bounds

bool nests_too_deep(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\'' || text[i] == '"') {
      i = std::min(text.find(text[i], i + 1), text.size());
    } else if (text[i] == '(') {
      if (++depth > kDeepest) return true;
    } else if (text[i] == ')' && depth > 0) {
      --depth;
    }
  }
  return false;
}

// Neither too large for a double, nor so small that nothing is left of it.
bool fits_double(const std::string& number) {
  const double value = std::strtod(number.c_str(), nullptr);
  const auto digits = number.substr(0, number.find_first_of("eE"));
  return std::isfinite(value) &&
         (value != 0 || digits.find_first_of("123456789") == std::string::npos);
}

bool fits_index(std::string_view number) {
  if (number.starts_with('+')) number.remove_prefix(1);
  std::int64_t value = 0;
  return std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc();
}

// ---- shapes

std::string in_small_letters(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), small);
  return out;
}

// Operands and, between them, operators that bind equally tight, from the left.
std::string folded(const std::vector<std::string>& pieces) {
  std::string out = pieces[0];
  for (std::size_t i = 1; i + 1 < pieces.size(); i += 2) {
    out = fmt::format("({} {} {})", out, pieces[i], pieces[i + 1]);
  }
  return out;
}

}  // namespace

// ---- reading the definitions

class OracleGrammar::DefinitionReader {
 public:
  DefinitionReader(const OracleGrammar& grammar, std::string_view text)
      : grammar_(grammar), text_(text) {}

  Node run() {
    Node node = choice();
    if (!at("")) std::abort();
    return node;
  }

 private:
  bool at(std::string_view characters) {
    while (!text_.empty() && is_blank(text_[0])) text_.remove_prefix(1);
    return text_.empty() ? characters.empty() : characters.contains(text_[0]);
  }

  Node choice() {
    Node node{.kind = Node::Kind::choice};
    do {
      if (!node.children.empty()) text_.remove_prefix(1);
      node.children.push_back(sequence());
    } while (at("|"));
    return node.children.size() == 1 ? Node(std::move(node.children[0])) : node;
  }

  Node sequence() {
    Node node{.kind = Node::Kind::sequence};
    while (!at("") && !at("|)]}")) node.children.push_back(element());
    return node.children.size() == 1 ? Node(std::move(node.children[0])) : node;
  }

  Node element() {
    if (at("(")) return bracketed(Node::Kind::sequence);
    if (at("{")) return bracketed(Node::Kind::repeat);
    if (at("[")) return bracketed(Node::Kind::optional);
    if (at("\"")) return {.kind = Node::Kind::terminal, .text = until('"')};
    if (at("'")) return {.kind = Node::Kind::part, .text = until('\'')};
    if (at("<")) return {.kind = Node::Kind::character, .text = until('>')};
    if (at("~")) {
      text_.remove_prefix(1);
      return {.kind = Node::Kind::any_case, .text = until('"')};
    }
    if (at("!")) {
      text_.remove_prefix(1);
      Node node{.kind = Node::Kind::not_before};
      node.children.push_back(element());
      return node;
    }
    const auto length = std::min(
        static_cast<std::size_t>(std::ranges::find_if_not(text_, is_letter) - text_.begin()),
        text_.size());
    const auto name = text_.substr(0, length);
    text_.remove_prefix(length);
    return {.kind = Node::Kind::production, .target = grammar_.number_of(name)};
  }

  Node bracketed(Node::Kind kind) {
    text_.remove_prefix(1);
    Node node{.kind = kind};
    node.children.push_back(choice());
    if (!at(")]}")) std::abort();
    text_.remove_prefix(1);
    return node;
  }

  std::string until(char close) {
    const auto end = text_.find(close, 1);
    std::string text(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return text;
  }

  const OracleGrammar& grammar_;
  std::string_view text_;
};

OracleGrammar::OracleGrammar(Dialect dialect) {
  std::vector<Definition> definitions(kSpecification.begin(), kSpecification.end());
  for (const auto& instead : dialect == Dialect::millrace ? std::span<const Definition>(kMillrace)
                                                          : std::span<const Definition>()) {
    const auto found = std::ranges::find(definitions, instead.name, &Definition::name);
    if (found == definitions.end()) {
      definitions.push_back(instead);
    } else {
      *found = instead;
    }
  }
  for (const auto& definition : definitions) {
    productions_.push_back({definition.name, definition.blanks == Blanks::free, {}});
  }
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    productions_[i].definition = DefinitionReader(*this, definitions[i].text).run();
  }
}

std::size_t OracleGrammar::number_of(std::string_view name) const {
  const auto found = std::ranges::find(productions_, name, &Production::name);
  if (found == productions_.end()) std::abort();
  return static_cast<std::size_t>(found - productions_.begin());
}

std::vector<std::string> OracleGrammar::terminals() const {
  std::vector<std::string> found;
  const auto collect = [&](this const auto& self, const Node& node) -> void {
    const bool is_text = node.kind == Node::Kind::terminal || node.kind == Node::Kind::any_case ||
                         node.kind == Node::Kind::part;
    if (is_text && std::ranges::find(found, node.text) == found.end()) found.push_back(node.text);
    for (const auto& child : node.children) self(child);
  };
  for (const auto& production : productions_) collect(production.definition);
  return found;
}

// ---- matching

// Where a piece of the grammar ends that begins at some place of the text. What a production comes
// to at a place is remembered, so that the time is bounded.
class OracleGrammar::Match {
 public:
  Match(const OracleGrammar& grammar, std::string_view text)
      : grammar_(grammar), text_(text), ends_(grammar.productions_.size() * (text.size() + 1)) {}

  using End = std::optional<std::size_t>;

  End production(std::size_t number, std::size_t at) {
    const auto& wanted = grammar_.productions_[number];
    at = behind_blanks(at);
    Memory& memory = ends_[number * (text_.size() + 1) + at];
    if (!memory.known) memory = {.known = true, .end = match(wanted.definition, at, wanted)};
    return memory.end;
  }

  // Adds what was matched at `at` to `tree`, and says where it ends.
  std::size_t walk(const Node& node, std::size_t at, const Production& within, Tree& tree) {
    switch (node.kind) {
      case Node::Kind::not_before:
        return at;
      case Node::Kind::sequence:
        for (const auto& child : node.children) at = walk(child, at, within, tree);
        return at;
      case Node::Kind::choice:
        for (const auto& child : node.children) {
          if (match(child, at, within)) return walk(child, at, within, tree);
        }
        std::abort();
      case Node::Kind::optional:
        return match(node.children[0], at, within) ? walk(node.children[0], at, within, tree) : at;
      case Node::Kind::repeat:
        while (match(node.children[0], at, within)) at = walk(node.children[0], at, within, tree);
        return at;
      default:
        return walk_leaf(node, at, within, tree);
    }
  }

 private:
  struct Memory {
    bool known = false;
    End end;
  };

  std::size_t behind_blanks(std::size_t at) const {
    while (at < text_.size() && is_blank(text_[at])) ++at;
    return at;
  }

  End match(const Node& node, std::size_t at, const Production& within) {
    switch (node.kind) {
      case Node::Kind::terminal:
      case Node::Kind::any_case:
      case Node::Kind::part:
        return terminal(node, within.takes_blanks ? behind_blanks(at) : at);
      case Node::Kind::character: {
        if (within.takes_blanks) at = behind_blanks(at);
        const auto length = character(node.text, text_.substr(at));
        return length ? End(at + *length) : std::nullopt;
      }
      case Node::Kind::production:
        // Only productions that take blanks begin behind some.
        if (!within.takes_blanks && behind_blanks(at) != at) return std::nullopt;
        return production(node.target, at);
      case Node::Kind::sequence:
        return sequence(node, at, within);
      case Node::Kind::choice:
        for (const auto& child : node.children) {
          if (const auto end = match(child, at, within)) return end;
        }
        return std::nullopt;
      case Node::Kind::optional:
        return match(node.children[0], at, within).value_or(at);
      case Node::Kind::repeat:
        while (const auto end = match(node.children[0], at, within)) at = *end;
        return at;
      case Node::Kind::not_before:
        return match(node.children[0], at, within) ? std::nullopt : End(at);
    }
    std::abort();
  }

  End sequence(const Node& node, std::size_t at, const Production& within) {
    for (const auto& child : node.children) {
      const auto end = match(child, at, within);
      if (!end) return std::nullopt;
      at = *end;
    }
    return at;
  }

  End terminal(const Node& node, std::size_t at) const {
    const auto found = text_.substr(at, node.text.size());
    const auto same = [&](char a, char b) {
      return node.kind == Node::Kind::any_case ? small(a) == small(b) : a == b;
    };
    if (!std::ranges::equal(found, node.text, same)) return std::nullopt;
    const std::size_t end = at + node.text.size();
    const bool is_word = node.kind != Node::Kind::part && is_letter(node.text.back());
    if (is_word && name_character(text_.substr(end), false) > 0) return std::nullopt;
    return end;
  }

  std::size_t walk_leaf(const Node& node, std::size_t at, const Production& within, Tree& tree) {
    const bool is_production = node.kind == Node::Kind::production;
    const auto end = match(node, at, within);
    if (within.takes_blanks || is_production) at = behind_blanks(at);
    Tree leaf{.production = {}, .text = text_.substr(at, *end - at), .children = {}};
    if (is_production) {
      const auto& wanted = grammar_.productions_[node.target];
      leaf.production = wanted.name;
      walk(wanted.definition, at, wanted, leaf);
    }
    tree.children.push_back(std::move(leaf));
    return *end;
  }

  const OracleGrammar& grammar_;
  std::string_view text_;
  std::vector<Memory> ends_;
};

// ---- what was said

std::string OracleGrammar::shape_of(const Tree& tree) {
  const auto& children = tree.children;
  const auto name = tree.production;
  if (name == "bareword") return fmt::format("word:{}", tree.text);
  if (name == "number" || name == "path" || name == "string" || name == "boolean" ||
      name == "null") {
    return fmt::format("{}:{}", name, tree.text);
  }
  if (name.empty()) return in_small_letters(tree.text);
  if (name == "option") {
    return fmt::format("{}={}", children[0].text, in_small_letters(children[2].text));
  }
  if (name == "negation" && children.size() == 2) {
    return fmt::format("(not {})", shape_of(children[1]));
  }
  if (name == "term" && children.size() == 3) return shape_of(children[1]);  // a parenthesis
  std::vector<std::string> pieces;
  pieces.reserve(children.size());
  for (const auto& child : children) pieces.push_back(shape_of(child));
  const bool is_text = name == "list" || name == "strtest" || name.starts_with("select");
  return is_text ? fmt::format("{}", fmt::join(pieces, "")) : folded(pieces);
}

std::optional<std::string> OracleGrammar::shape(std::string_view text) const {
  if (nests_too_deep(text)) return std::nullopt;
  Match match(*this, text);
  if (!match.production(0, 0)) return std::nullopt;
  Tree tree{.production = productions_[0].name, .text = text, .children = {}};
  match.walk(productions_[0].definition, 0, productions_[0], tree);
  const auto fits = [](this const auto& self, const Tree& at) -> bool {
    if (at.production == "number") return fits_double(std::string(at.text));
    if (at.production == "integer") return fits_index(at.text);
    return std::ranges::all_of(at.children, self);
  };
  if (!fits(tree)) return std::nullopt;
  return shape_of(tree.children[0]);
}

// ---- sentences

class OracleGrammar::Writer {
 public:
  Writer(const OracleGrammar& grammar, std::mt19937_64& random)
      : grammar_(grammar), random_(random) {}

  std::string run() {
    write(grammar_.productions_[0].definition, grammar_.productions_[0]);
    return std::move(out_);
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  bool happens(std::size_t percent) { return below(100) < percent; }
  template <std::size_t kCount>
  std::string_view one_of(const std::array<std::string_view, kCount>& choices) {
    return choices[below(kCount)];
  }

  void write(const Node& node, const Production& within) {
    switch (node.kind) {
      case Node::Kind::terminal:
      case Node::Kind::any_case:
      case Node::Kind::part:
        return add(node, within);
      case Node::Kind::character:
        out_ += one_character(node.text);
        return;
      case Node::Kind::production:
        return write_production(grammar_.productions_[node.target]);
      case Node::Kind::sequence:
        for (const auto& child : node.children) write(child, within);
        return;
      case Node::Kind::choice:
        return write(node.children[chosen(node, within)], within);
      case Node::Kind::optional:
      case Node::Kind::repeat:
        repeat(node, within);
        return;
      case Node::Kind::not_before:
        return;
    }
  }

  void repeat(const Node& node, const Production& within) {
    // Of two digits at most, so that no exponent is too large.
    const bool is_short = node.kind == Node::Kind::optional || within.name == "digits";
    const std::size_t most = is_short ? 1 : 3;
    const std::size_t percent = !within.takes_blanks ? 40 : out_.size() > 80 ? 2 : 9;
    for (std::size_t i = 0; i < most && happens(percent); ++i) write(node.children[0], within);
  }

  // `not` and parentheses are for short sentences.
  std::size_t chosen(const Node& node, const Production& within) {
    if (within.name == "negation") return happens(15) && out_.size() < 100 ? 0 : 1;
    const bool is_simple =
        within.name == "term" && (std::exchange(in_argument_, false) || out_.size() > 60);
    return below(node.children.size() - (is_simple ? 1 : 0));
  }

  void write_production(const Production& production) {
    constexpr std::array<std::string_view, 12> kWords = {"abc",     "None", "TRUE",   "yes",
                                                         "defined", "x1",   "notice", "android",
                                                         "inside",  "i",    "Null",   "eventx"};
    if (!production.takes_blanks && at_token_) separate(/*before_word=*/true);
    in_argument_ = production.name == "argument" || (in_argument_ && production.name == "term");
    const bool was_at_token = std::exchange(at_token_, production.takes_blanks);
    if (production.name == "bareword") {
      out_ += one_of(kWords);
    } else {
      write(production.definition, production);
    }
    at_token_ = was_at_token;
  }

  void separate(bool before_word) {
    constexpr std::array<std::string_view, 6> kBlanks = {" ", "  ", "\n", "\t", " \r\n ", "   "};
    const bool needed =
        before_word && !out_.empty() && name_character(out_.substr(out_.size() - 1), false) > 0;
    // A byte of a longer character is part of a name too.
    const bool after_letter = !out_.empty() && !is_ascii(out_.back());
    if (happens(50)) {
      out_ += ' ';
    } else if (happens(20)) {
      out_ += one_of(kBlanks);
    } else if (needed || (before_word && after_letter)) {
      out_ += ' ';
    }
  }

  void add(const Node& node, const Production& within) {
    if (within.takes_blanks) separate(is_letter(node.text[0]));
    const bool upper = node.kind == Node::Kind::any_case && happens(30);
    for (const char c : node.text) {
      out_ += upper && c >= 'a' && happens(50) ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }

  std::string_view one_character(std::string_view kind) {
    constexpr std::array<std::string_view, 8> kStarts = {"a", "b", "x", "E", "_", "m_0", "ß", "in"};
    constexpr std::array<std::string_view, 6> kNames = {"a", "e", "_", "7", "é", "Z"};
    constexpr std::array<std::string_view, 5> kDigits = {"0", "1", "2", "5", "9"};
    constexpr std::array<std::string_view, 10> kQuoted = {"a", " ", "\\", "\\n", ")",
                                                          "(", "5", "ü",  "]",   " and "};
    if (kind == "end") return "";
    if (kind == "digit") return one_of(kDigits);
    if (kind == "name start") return one_of(kStarts);
    if (kind == "name") return one_of(kNames);
    if (kind == "single quote") return "'";
    if (kind == "double quote") return "\"";
    return happens(10) ? (kind == "single quoted" ? "\"" : "'") : one_of(kQuoted);
  }

  const OracleGrammar& grammar_;
  std::mt19937_64& random_;
  std::string out_;
  bool at_token_ = true;
  bool in_argument_ = false;
};

std::string OracleGrammar::random_sentence(std::mt19937_64& random) const {
  return Writer(*this, random).run();
}

}  // namespace millrace::rules::testing
