// SPDX-License-Identifier: Apache-2.0
#include "condition_lexer.hpp"

#include <gtest/gtest.h>

#include "millrace/event/json.hpp"

namespace millrace::rules {
namespace {

// "word:in path:event.x[0] …", with values for strings and numbers.
std::string kinds(std::string_view text) {
  std::string out;
  for (const auto& token : tokenize(text)) {
    switch (token.kind) {
      case Token::Kind::word:
        out += fmt::format("word:{} ", token.text);
        break;
      case Token::Kind::path:
        out += fmt::format("path:{} ", token.path.to_string());
        break;
      case Token::Kind::string:
      case Token::Kind::number:
        out += to_json(token.value) + " ";
        break;
      case Token::Kind::symbol:
        out += fmt::format("{} ", token.text);
        break;
      case Token::Kind::fault:
        out += fmt::format("fault@{}:{}", token.offset, token.expected);
        break;
      case Token::Kind::end:
        out += fmt::format("end@{}", token.offset);
        break;
    }
  }
  return out;
}

TEST(ConditionLexer, SplitsWordsPathsValuesAndSymbols) {
  EXPECT_EQ(kinds("event.x[0]<=1 and not(facts.a)"),
            "path:x[0] <= 1 word:and word:not ( path:a ) end@30");
  EXPECT_EQ(kinds(""), "end@0");
  EXPECT_EQ(kinds(" \n\t "), "end@4");
}

TEST(ConditionLexer, TakesTheLongestSymbol) {
  EXPECT_EQ(kinds("<< <= >= == != < > = + - * /"), "<< <= >= == != < > = + - * / end@28");
}

TEST(ConditionLexer, NeedsNoBlanksAroundOperators) {
  EXPECT_EQ(kinds("event.x==1"), "path:x == 1 end@10");
  EXPECT_EQ(kinds("1 in[1,2]"), "1 word:in [ 1 , 2 ] end@9");
  EXPECT_EQ(kinds("event.a-b"), "path:a - word:b end@9");
  EXPECT_EQ(kinds("event.i -1"), "path:i - 1 end@10");
}

TEST(ConditionLexer, ReadsNumbers) {
  EXPECT_EQ(kinds("01 1. .5 1.5 1e3 .1e1 1E-2 2.e+1"), "1 1.0 0.5 1.5 1000.0 1.0 0.01 20.0 end@32");
  EXPECT_EQ(kinds("9223372036854775807"), "9223372036854775807 end@19");
  EXPECT_EQ(kinds("18446744073709551615"), "18446744073709551615 end@20");
  EXPECT_TRUE(tokenize("18446744073709551616")[0].value.is_double());
  EXPECT_EQ(kinds("1e999"), "fault@0:a number that fits in a double");
  EXPECT_EQ(kinds("0x10"), "0 word:x10 end@4");
  EXPECT_EQ(kinds("1_000"), "1 word:_000 end@5");
}

TEST(ConditionLexer, ReadsStringsInEitherQuote) {
  EXPECT_EQ(kinds(R"('a "b"' "it's" '')"), R"("a \"b\"" "it's" "" end@17)");
}

TEST(ConditionLexer, MakesCharactersOfFourEscapesAndLeavesTheOthers) {
  const auto tokens = tokenize(R"("\n\t\r\f\d\.\\")");
  EXPECT_EQ(view(tokens[0].value.get_string()), "\n\t\r\f\\d\\.\\\\");
}

TEST(ConditionLexer, RefusesStringsThatDoNotEndOnTheirLine) {
  EXPECT_EQ(kinds("'abc"), "fault@0:the closing quote ' on the same line");
  EXPECT_EQ(kinds("\"a\nb\""), "fault@0:the closing quote \" on the same line");
}

TEST(ConditionLexer, HasFiveRoots) {
  EXPECT_EQ(kinds("event.a events.a fact.a facts.a vars.a"),
            "path:a path:a path:a path:a path:a end@38");
  EXPECT_EQ(kinds("evnt.a"), "fault@0:event, events, fact, facts or vars");
  EXPECT_EQ(kinds("Event.a"), "fault@0:event, events, fact, facts or vars");
  EXPECT_EQ(kinds("foo[0]"), "fault@0:event, events, fact, facts or vars");
  EXPECT_EQ(kinds("eventual"), "word:eventual end@8");
}

TEST(ConditionLexer, LetsABracketFollowTwoRootsOnly) {
  EXPECT_EQ(kinds("event['a'] fact[0].b"), "path:[\"a\"] path:[0].b end@20");
  EXPECT_EQ(kinds("events['a']"), "fault@0:a dot and a name");
  EXPECT_EQ(kinds("facts[0]"), "fault@0:a dot and a name");
  EXPECT_EQ(kinds("vars['a']"), "fault@0:a dot and a name");
}

TEST(ConditionLexer, AllowsNoBlanksInsidePaths) {
  EXPECT_EQ(kinds("event. x"), "fault@6:a path");
  EXPECT_EQ(kinds("event .x"), "word:event fault@6:an operator or the end");
  EXPECT_EQ(kinds("event.x[ 0 ]"), "fault@8:a path");
  EXPECT_EQ(kinds("event.x [0]"), "path:x [ 0 ] end@11");
  EXPECT_EQ(kinds("event.a.0"), "fault@8:a path");
}

TEST(ConditionLexer, KnowsWhatOtherLanguagesWrite) {
  for (const auto* text : {"&&", "||", "!", "%", "<>", "===", "=~", "{{", "|", "?", "=>"}) {
    const auto tokens = tokenize(text);
    EXPECT_EQ(tokens[0].kind, Token::Kind::fault) << text;
    EXPECT_EQ(tokens[0].text, text);
    EXPECT_NE(tokens[0].hint, "") << text;
  }
}

TEST(ConditionLexer, StopsAtWhatIsNoCharacterOfTheLanguage) {
  EXPECT_EQ(kinds("event.a # b"), "path:a fault@8:an operator, a path or a value");
  EXPECT_EQ(kinds("\xFF"), "fault@0:an operator, a path or a value");
}

}  // namespace
}  // namespace millrace::rules
