// SPDX-License-Identifier: Apache-2.0
// The parser of conditions against the written grammar: known texts, random sentences of the
// grammar, and what comes of damaging them. What differs is made as small as it can be before it is
// told. MILLRACE_ORACLE_PAIRS (texts) and MILLRACE_ORACLE_SEED ask for more and for others.
#include "millrace/rules/testing/oracle_grammar.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/event/yaml.hpp"
#include "millrace/rules/testing/grammar_comparison.hpp"

namespace millrace::rules::testing {
namespace {

namespace fs = std::filesystem;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::string shape(std::string_view text,
                  OracleGrammar::Dialect dialect = OracleGrammar::Dialect::millrace) {
  return OracleGrammar(dialect).shape(text).value_or("refused");
}

std::string specified(std::string_view text) {
  return shape(text, OracleGrammar::Dialect::specification);
}

// ---- the oracle itself: sentences of the specification

TEST(OracleGrammar, ReadsTheSpecificationsConsequences) {
  EXPECT_EQ(shape("event.a or event.b and event.c"),
            "((path:event.a or path:event.b) and path:event.c)");
  EXPECT_EQ(shape("event.a or (event.b and event.c)"),
            "(path:event.a or (path:event.b and path:event.c))");
  EXPECT_EQ(shape("event.a AND event.b"), "refused");
  EXPECT_EQ(shape("event.a Not In [1,'x']"), "(path:event.a not in [number:1,string:'x'])");
  EXPECT_EQ(shape("event.a is  defined"), "(path:event.a is word:defined)");
  EXPECT_EQ(shape("event.a is  not defined"), "refused");
  EXPECT_EQ(shape("event.a Is defined"), "refused");
  EXPECT_EQ(shape("not(event.x==1)"), "(not (path:event.x == number:1))");
  EXPECT_EQ(shape("event.i -1 == 0"), "((path:event.i - number:1) == number:0)");
  EXPECT_EQ(shape("event.a-b"), "(path:event.a - word:b)");
  EXPECT_EQ(shape("event.i == - 1"), "refused");
  EXPECT_EQ(shape("event.s == yes"), "(path:event.s == word:yes)");
  EXPECT_EQ(shape("event.s is not search('a' , ignorecase = True)"),
            "(path:event.s is not search(string:'a',ignorecase=true))");
  EXPECT_EQ(shape("event.l is selectattr('a.b','in',[6])"),
            "(path:event.l is selectattr(string:'a.b',string:'in',[number:6]))");
  EXPECT_EQ(shape("event.i * 2 / 3"), "((path:event.i * number:2) / number:3)");
  for (const auto* text : {"event. x",
                           "event.x [0]",
                           "event.x[ 0 ]",
                           "event.i % 2",
                           "!event.a",
                           "event.a <> 1",
                           "event.a && event.b",
                           "event.a || event.b",
                           "event.a in []",
                           "event.a == 0x1F",
                           "event.a == 1_000",
                           "event.a.0",
                           R"(event.a == "a\"b")",
                           "event.s == trueish",
                           "event.s == nullx",
                           "event",
                           "vars['a']",
                           "event.x in [[1]]",
                           "event.x in [a]",
                           ""}) {
    EXPECT_EQ(shape(text), "refused") << text;
    EXPECT_EQ(specified(text), "refused") << text;
  }
}

// What the header lists as different on purpose, and nothing else.
TEST(OracleGrammar, StatesWhereMillraceDiffers) {
  EXPECT_EQ(specified("trueand false"), "(boolean:true and boolean:false)");
  EXPECT_EQ(shape("trueand false"), "refused");
  EXPECT_EQ(specified("event.a == is == 1"), "((path:event.a == word:is) == number:1)");
  EXPECT_EQ(shape("event.a == is == 1"), "refused");
  EXPECT_EQ(specified("event.s is search('a', x=true)"), "refused");
  EXPECT_EQ(shape("event.s is search('a', x=true)"), "(path:event.s is search(string:'a',x=true))");
  EXPECT_EQ(specified("event.s is search(1)"), "refused");
  EXPECT_EQ(shape("event.s is search(1)"), "(path:event.s is search(number:1))");
}

// ---- known texts

const std::vector<std::string> kExamples = {
    "event.x == 1",
    "event.größe == \"\\n\\t\"",
    "not not event.a",
    "not event.x is defined",
    "fact.os == \"linux\"",
    "events.m_0.host == event.host",
    "events.first << event.a == 1 and event.b in[1,2]",
    "event.alert.labels[\"severity\"] == 'x'",
    "event['a'][-1].b >= -1.5e3",
    "event[\"a\"] != .5 or fact[0] != 5.",
    "\"literal\" is search(event.p)",
    "event.l is not select('>=', event.x)",
    "event.direction == in",
    "event.op == or and event.b",
    "event.a is is",
    "event.a is not",
    "event.a not in",
    "event.a is not and event.b",
    "event.a is\nnot",
    "not",
    "not not",
    "not and",
    "not and event.b",
    "not or or event.b",
    "event.a and not and event.b",
    "not in in [1]",
    "in in in",
    "event.a == not in [1]",
    "event.a is[1]",
    "event.a is.5",
    "event.a and.5",
    "1and 2or'a'in event.b",
    "event.a in(1)",
    "event.s is search(('a'))",
    "event.l is select('==', (1))",
    "event.l is select(event.x, 1)",
    "event.l is select('==', abc)",
    "event.s is search(abc)",
    "event.s is search(search('a'))",
    "event.i == 1e999 or event.i == 1e-999",
    "event.x[99999999999999999999]",
    "event.x[+1][-1][007]",
    "event.x[+-1]",
    "event.i===1",
    "event.i<-1",
    "event.i--1",
    "event.i+ +1",
    "event.i---1",
    "event.i<<1<<2",
    "event.a == 'x\ry'",
    "event.a\f== 1",
    "event.a == \xFF",
    "event.s == 'ÿ\xFF'",
    "event.\xC3\xA9 == event.e\xCC\x81",
    "event.\xCC\x81 == 1",
};

TEST(OracleGrammar, AgreesWithTheParserOnExamples) {
  const GrammarComparison comparison;
  for (const auto& text : kExamples) EXPECT_EQ(comparison.difference(text), "");
  for (std::size_t depth = 62; depth < 67; ++depth) {
    const auto nested = std::string(depth, '(') + "event.a" + std::string(depth, ')');
    EXPECT_EQ(comparison.difference(nested), "");
  }
}

// Adds the conditions of a rule, a mapping or list of them, or of whatever holds such.
void collect(const Value& value, bool is_condition, std::vector<std::string>& out) {
  if (const auto* text = value.if_string(); text != nullptr && is_condition) {
    out.emplace_back(view(*text));
  } else if (const auto* list = value.if_array()) {
    for (const Value& item : *list) collect(item, is_condition, out);
  } else if (const auto* object = value.if_object()) {
    for (const auto& [key, item] : *object) {
      collect(item, is_condition || key == "condition", out);
    }
  }
}

TEST(OracleGrammar, AgreesWithTheParserOnTheGoldenCases) {
  const GrammarComparison comparison;
  std::vector<std::string> texts;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(MILLRACE_SOURCE_DIR) / "tests" / "golden")) {
    if (entry.path().extension() != ".yml") continue;
    const auto text = read_file(entry.path().string());
    ASSERT_TRUE(text);
    if (const auto value = parse_yaml_value(*text, entry.path().string()))
      collect(*value, false, texts);
  }
  EXPECT_GT(texts.size(), 300u);
  for (const auto& text : texts) EXPECT_EQ(comparison.difference(text), "");
}

// ---- random texts

class Damage {
 public:
  explicit Damage(const OracleGrammar& grammar, std::mt19937_64& random)
      : random_(random), pieces_(grammar.terminals()) {
    for (const auto* other :
         {" ",      "  ",     "\n", "'",   "\"",      "_",     "é",           "IN",
          "not in", "is not", "is", "Not", "event.a", "event", "fact[0]",     "vars.x",
          "1",      "-1",     ".5", "1e",  "5.",      "abc",   "true",        "nullx",
          "'a'",    "[1]",    "(",  ")",   "()",      "[]",    "search('a')", "select('==',1)",
          "%",      "!",      "{{", "\xFF"}) {
      pieces_.emplace_back(other);
    }
  }

  std::string operator()(std::string text) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t length = 1 + below(4);
    switch (below(8)) {
      case 0:
        return text.erase(at, 1);
      case 1:
        return text.erase(at, length);
      case 2:
        return text.insert(at, text.substr(at, length));
      case 3:
        if (at + 1 < text.size()) std::swap(text[at], text[at + 1]);
        return text;
      case 4:
        return text.insert(at, pieces_[below(pieces_.size())]);
      case 5:
        return text.insert(border(text, at), " " + pieces_[below(pieces_.size())] + " ");
      case 6: {  // one token for another
        const auto begin = border(text, at);
        return text.replace(begin, border(text, begin + 1) - begin, pieces_[below(pieces_.size())]);
      }
      default: {  // a token again, somewhere
        const auto begin = border(text, at);
        const auto token = text.substr(begin, border(text, begin + 1) - begin);
        return text.insert(border(text, below(text.size() + 1)), " " + token);
      }
    }
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  // Where a token begins, at or behind `at`, more or less.
  static std::size_t border(const std::string& text, std::size_t at) {
    at = text.find_first_of(" \n()[],", std::min(at, text.size()));
    return at == std::string::npos ? text.size() : at;
  }

  std::mt19937_64& random_;
  std::vector<std::string> pieces_;
};

class OracleGrammarRandom : public ::testing::Test {
 protected:
  std::string sentence() {
    for (;;) {
      auto text =
          (random_() % 2 == 0 ? specification_ : comparison_.grammar()).random_sentence(random_);
      if (text.size() <= OracleGrammar::kLongest) return text;
    }
  }

  void tell(const std::string& text) {
    ADD_FAILURE() << "seed " << seed_ << ": " << comparison_.difference(comparison_.shrunk(text))
                  << "made of: `" << text << "`";
  }

  const std::size_t count_ = setting("MILLRACE_ORACLE_PAIRS", 100'000);
  const std::uint64_t seed_ = setting("MILLRACE_ORACLE_SEED", 20240521);
  std::mt19937_64 random_{seed_};
  const OracleGrammar specification_{OracleGrammar::Dialect::specification};
  const GrammarComparison comparison_;
};

TEST_F(OracleGrammarRandom, SentencesAreReadByBothAlike) {
  std::size_t different = 0;
  for (std::size_t i = 0; i < count_ / 10 && different < 5; ++i) {
    const auto text = sentence();
    ASSERT_TRUE(comparison_.grammar().shape(text)) << text;
    if (comparison_.difference(text).empty()) continue;
    tell(text);
    ++different;
  }
}

TEST_F(OracleGrammarRandom, DamagedSentencesAreTakenOrRefusedByBothAlike) {
  Damage damaged(comparison_.grammar(), random_);
  std::size_t different = 0;
  std::size_t accepted = 0;
  std::size_t i = 0;
  for (; i < count_ && different < 5; ++i) {
    auto text = sentence();
    for (std::size_t times = i % 3; times < 3; ++times) text = damaged(std::move(text));
    if (comparison_.grammar().shape(text)) ++accepted;
    if (comparison_.difference(text).empty()) continue;
    tell(text);
    ++different;
  }
  EXPECT_GT(accepted, i / 20);
  EXPECT_LT(accepted, i - i / 20);
}

}  // namespace
}  // namespace millrace::rules::testing
