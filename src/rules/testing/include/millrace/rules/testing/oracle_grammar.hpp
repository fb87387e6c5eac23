// SPDX-License-Identifier: Apache-2.0
// The grammar of conditions a second time, as a table of productions and nothing else, so that it
// can be compared line by line with the written one (section 2.1 of the specification of
// rulebooks), and the parser with it.
//
// Alternatives are tried in the order in which they are written, and the first that fits is kept,
// as in the original's parser: so `trueish` is `true` and then something that does not belong
// there.
//
// The text of the specification says more than its productions do:
// - Words end where the name ends that they begin: `in2` is no `in`. Not so true, false and null.
// - A number is as long as it can be, though integer stands before float.
// - Only `event` and `fact` may be followed by a bracket at once, and a root alone is no bareword.
//
// On purpose, conditions as Millrace takes them (Dialect::millrace) differ in this:
// - A word that begins with true, false or null is refused, whatever follows: `trueand false`.
// - `and`, `or`, `not` and `is` are barewords only before the end, `)`, `,`, `and` and `or`, where
//   nothing else can be meant; the others (`event.a == is == 1`) are refused as mistakes.
// - Arguments of calls may be any term but a parenthesis, and options have any name: what is wrong
//   with them is told by the checks of the meaning, in better words.
// - Bounds: 64 parentheses inside each other, an index of 64 bits, a number that a double holds.
// The specification is silent, and the oracle says what the parser does, in this:
// - Blanks are space, tab, carriage return and line feed; of these only the line feed may not stand
//   in a string.
// - `patt` and `value` have no production. They are what the text tells of them: a string or path;
//   any literal, bareword, list or path. A path of vars is as good as the string it becomes.
// - Nothing need stand between a number or a string and a word: `1and 2`, `'a'in event.b`.
// - Letters of a bareword are those of ASCII. What a letter is beyond ASCII says name_length().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::rules::testing {

class OracleGrammar {
 public:
  /// Bytes beyond which nothing should be asked: the answer takes long.
  static constexpr std::size_t kLongest = 200;

  enum class Dialect { specification, millrace };
  explicit OracleGrammar(Dialect dialect);

  /// What the text says, with parentheses around everything that holds an operator:
  /// "((path:event.a or path:event.b) and (not word:abc))". Nothing: it is no condition.
  std::optional<std::string> shape(std::string_view text) const;

  /// A condition of the language, with blanks wherever they may be, of at most about 200 bytes. No
  /// bareword in it is a keyword.
  std::string random_sentence(std::mt19937_64& random) const;

  /// Everything that stands in quotes in the productions.
  std::vector<std::string> terminals() const;

 private:
  // A piece of a production.
  struct Node {
    enum class Kind {
      terminal,    // text; a word must end behind it
      any_case,    // the same in any letter case
      part,        // text; a word may go on behind it
      character,   // one of the class that text names
      production,  // number `target`
      sequence,
      choice,
      repeat,
      optional,
      not_before,  // nothing is taken; what follows is not the child
    };
    Kind kind = Kind::sequence;
    std::string text;
    std::size_t target = 0;
    std::vector<Node> children;
  };
  struct Production {
    std::string_view name;
    bool takes_blanks = true;
    Node definition;
  };
  struct Tree {
    std::string_view production;  // "" for a terminal
    std::string_view text;
    std::vector<Tree> children;
  };
  class DefinitionReader;
  class Match;
  class Writer;

  static std::string shape_of(const Tree& tree);

  std::size_t number_of(std::string_view name) const;

  std::vector<Production> productions_;
};

}  // namespace millrace::rules::testing
