// SPDX-License-Identifier: Apache-2.0
#include "condition_parser.hpp"

#include <gtest/gtest.h>

#include "condition_test_case.hpp"

namespace millrace::rules {
namespace {

std::string text_of(std::string_view condition) { return parsed(condition).text(); }

// The message behind "Error parsing: …. ", and the hint.
std::string syntax_error(std::string_view condition) {
  const auto result = parsed(condition);
  if (result.diagnostics.items().size() != 1) return "not one diagnostic: " + result.text();
  const auto& error = result.first();
  const auto start = fmt::format("Error parsing: {}. ", condition);
  EXPECT_EQ(error.code, "condition-syntax") << condition << ": " << error.message;
  EXPECT_TRUE(error.message.starts_with(start)) << error.message;
  return fmt::format("{}: {} ({})", error.where.column - 15, error.message.substr(start.size()),
                     error.hint);
}

std::string hint_of(std::string_view condition) { return parsed(condition).first().hint; }

// ---- precedence

TEST(ConditionParser, GivesAndAndOrTheSameStrength) {
  EXPECT_EQ(text_of("event.a or event.b and event.c"), "((event.a or event.b) and event.c)");
  EXPECT_EQ(text_of("event.a and event.b or event.c"), "((event.a and event.b) or event.c)");
  EXPECT_EQ(text_of("event.a or (event.b and event.c)"), "(event.a or (event.b and event.c))");
  EXPECT_EQ(text_of("event.a and event.b or event.c or event.d and event.e"),
            "(((event.a and event.b) or event.c or event.d) and event.e)");
}

TEST(ConditionParser, MakesOneNodeOfAChainOfTheSameOperator) {
  EXPECT_EQ(text_of("event.a and event.b and event.c"), "(event.a and event.b and event.c)");
  EXPECT_EQ(text_of("(event.a or event.b) or (event.c or event.d)"),
            "(event.a or event.b or event.c or event.d)");
}

TEST(ConditionParser, BindsNotTighterThanAndButLooserThanComparisons) {
  EXPECT_EQ(text_of("not event.a and event.b"), "(not event.a and event.b)");
  EXPECT_EQ(text_of("not event.a == 1"), "not (event.a == 1)");
  EXPECT_EQ(text_of("not event.a in [1]"), "not (event.a in [1])");
  EXPECT_EQ(text_of("event.a and not event.b"), "(event.a and not event.b)");
  EXPECT_EQ(text_of("not(event.a and event.b)"), "not (event.a and event.b)");
}

TEST(ConditionParser, CalculatesFromLeftToRight) {
  EXPECT_EQ(text_of("event.a - event.b + 1 == 2"), "((event.a - event.b) + 1) == 2");
  EXPECT_EQ(text_of("event.a - (event.b + 1) == 2"), "(event.a - (event.b + 1)) == 2");
  EXPECT_EQ(text_of("2 >= event.a + 1"), "2 >= (event.a + 1)");
}

TEST(ConditionParser, ReadsEveryLevelInItsOrder) {
  using Op = Operator;
  // Each operator binds tighter than the one before it, so that it ends up one level deeper.
  const auto syntax =
      parse_syntax("event.a << event.b and 1 in 2 is 3 == 4 != 5 < 6 <= 7 >= 8 + 9 * 10");
  ASSERT_TRUE(syntax);
  std::vector<Op> operators;
  for (const Syntax* at = &*syntax; at->kind == Syntax::Kind::chain; at = &at->operands.back()) {
    ASSERT_EQ(at->operators.size(), 1u);
    operators.push_back(at->operators[0]);
  }
  EXPECT_EQ(operators,
            (std::vector{Op::assign, Op::both, Op::in, Op::is, Op::equal, Op::not_equal, Op::less,
                         Op::less_equal, Op::greater_equal, Op::add, Op::multiply}));
}

TEST(ConditionParser, ChainsWhatBindsEquallyTight) {
  for (const auto* text : {"1 < 2 > 3", "1 + 2 - 3", "1 * 2 / 3", "event.a and event.b or event.c",
                           "1 in 2 not in 3", "1 contains 2 not contains 3", "1 is 2 is not 3"}) {
    const auto syntax = parse_syntax(text);
    ASSERT_TRUE(syntax) << text;
    EXPECT_EQ(syntax->operands.size(), 3u) << text;
  }
}

// ---- words and blanks

TEST(ConditionParser, TakesMembershipWordsInAnyLetterCase) {
  EXPECT_EQ(text_of("event.a IN [1]"), "event.a in [1]");
  EXPECT_EQ(text_of("event.a Not In [1]"), "event.a not in [1]");
  EXPECT_EQ(text_of("event.l CONTAINS 1"), "event.l contains 1");
  EXPECT_EQ(text_of("event.l not Contains 1"), "event.l not contains 1");
}

TEST(ConditionParser, TakesTheOtherWordsInSmallLettersOnly) {
  EXPECT_EQ(syntax_error("event.a AND event.b"),
            "9: Expected an operator or the end, found `AND` (`AND` is written in small letters: "
            "and)");
  EXPECT_EQ(hint_of("event.a Or event.b"), "`Or` is written in small letters: or");
  EXPECT_EQ(hint_of("event.a IS defined"), "`IS` is written in small letters: is");
  EXPECT_FALSE(parsed("NOT event.a").condition);
  EXPECT_FALSE(parsed("event.a is Defined").condition);
  EXPECT_FALSE(parsed("event.a is MATCH('x')").condition);
  EXPECT_FALSE(parsed("event.a is NOT defined").condition);
}

TEST(ConditionParser, NeedsExactlyOneBlankInsideOperatorsOfTwoWords) {
  EXPECT_EQ(syntax_error("event.a not  in [1]"),
            "9: Expected an operator or the end, found `not` (exactly one blank between the words: "
            "not in)");
  EXPECT_EQ(hint_of("event.a not\tcontains 1"),
            "exactly one blank between the words: not contains");
  EXPECT_EQ(syntax_error("event.a is  not defined"),
            "13: Expected a path, a value or a parenthesis, found `not` (exactly one blank: is "
            "not)");
  EXPECT_FALSE(parsed("event.a is\nnot defined").condition);
}

TEST(ConditionParser, AllowsBlanksAndLineBreaksBetweenTokens) {
  EXPECT_EQ(text_of("event.a   is \n defined"), "event.a is defined");
  EXPECT_EQ(text_of("  event.a==1\n\tand\nevent.b  "), "(event.a == 1 and event.b)");
  EXPECT_EQ(text_of("event.a in[1,2]"), "event.a in [1, 2]");
  EXPECT_EQ(text_of("event.s is search ( 'a' , ignorecase = true )"),
            "event.s is search(\"a\", ignorecase=true)");
  EXPECT_EQ(text_of("event.a is not  defined"), "event.a is not defined");
  EXPECT_TRUE(parse_syntax("event.a is[1]"));
  EXPECT_TRUE(parse_syntax("event.a is.5"));
}

TEST(ConditionParser, AllowsNoBlanksInsidePaths) {
  EXPECT_EQ(syntax_error("event. x == 1").substr(0, 28), "7: Expected a path, found ` ");
  EXPECT_FALSE(parsed("event .x == 1").condition);
  EXPECT_EQ(syntax_error("event.x [0] == 1"),
            "9: Expected an operator or the end, found `[` (paths hold no blanks: event.a[0])");
  EXPECT_FALSE(parsed("event.x[ 0 ] == 1").condition);
}

TEST(ConditionParser, TakesAWordWithoutQuotesAsAString) {
  EXPECT_EQ(text_of("event.s == abc1"), "event.s == \"abc1\"");
  EXPECT_EQ(text_of("event.s == None"), "event.s == \"None\"");
  EXPECT_EQ(text_of("event.s == yes"), "event.s == \"yes\"");
  EXPECT_EQ(text_of("event.s == defined"), "event.s == \"defined\"");
  EXPECT_EQ(text_of("event.s == select"), "event.s == \"select\"");
  EXPECT_EQ(text_of("event.s == notice"), "event.s == \"notice\"");
  EXPECT_EQ(text_of("event.s == inside or event.b"), "(event.s == \"inside\" or event.b)");
  EXPECT_EQ(text_of("event.direction == in"), "event.direction == \"in\"");
  EXPECT_EQ(text_of("event.op == or and event.b"), "(event.op == \"or\" and event.b)");
}

TEST(ConditionParser, TakesNotAsAStringOnlyWhereItHasNothingToNegate) {
  const auto times_negated = [](std::string_view text) {
    const auto syntax = parse_syntax(text);
    return syntax ? static_cast<int>(syntax->kind == Syntax::Kind::negation ? syntax->times : 0)
                  : -1;
  };
  EXPECT_EQ(times_negated("not"), 0);
  EXPECT_EQ(times_negated("not not"), 1);
  EXPECT_EQ(times_negated("not not not"), 2);
  EXPECT_EQ(times_negated("not and"), 1);
  EXPECT_EQ(times_negated("not not event.a"), 2);
  EXPECT_EQ(times_negated("not and event.a"), 0);
  EXPECT_EQ(times_negated("not =="), -1);
}

TEST(ConditionParser, RefusesWordsThatAreNoBareStrings) {
  EXPECT_EQ(hint_of("event.s == foo_bar"), "strings are quoted: \"foo_bar\"");
  EXPECT_EQ(hint_of("event.s == größe"), "strings are quoted: \"größe\"");
  EXPECT_EQ(hint_of("event.s == trueish"), "strings are quoted: \"trueish\"");
  EXPECT_EQ(hint_of("event.s == nullx"), "strings are quoted: \"nullx\"");
  EXPECT_EQ(hint_of("event.s == in progress"), "strings of several words are quoted");
  EXPECT_EQ(hint_of("event.s == a-b c"), "strings of several words are quoted");
  EXPECT_EQ(hint_of("event.s == 5abc"), "if it is one string, quote it: \"5abc\"");
}

// ---- literals

TEST(ConditionParser, ReadsNumbersWithTheirSigns) {
  EXPECT_EQ(text_of("event.i == -1"), "event.i == -1");
  EXPECT_EQ(text_of("event.i == +1"), "event.i == 1");
  EXPECT_EQ(text_of("event.i == -1.5e1"), "event.i == -15.0");
  EXPECT_EQ(text_of("event.i == 007"), "event.i == 7");
  EXPECT_EQ(text_of("event.i in [-1, +2]"), "event.i in [-1, 2]");
}

TEST(ConditionParser, KeepsIntegersOf64Bits) {
  EXPECT_EQ(text_of("event.i == 9223372036854775807"), "event.i == 9223372036854775807");
  EXPECT_EQ(text_of("event.i == -9223372036854775808"), "event.i == -9223372036854775808");
  EXPECT_EQ(text_of("event.i == 18446744073709551615"), "event.i == 18446744073709551615");
  for (const auto* text : {"event.i == 18446744073709551616", "event.i == -9223372036854775809",
                           "event.i == 100000000000000000000000000000000000000000000000000"}) {
    const auto result = parsed(text);
    ASSERT_TRUE(result.condition) << text;
    EXPECT_TRUE(result.condition->expression.operands[1].value.is_double()) << text;
  }
}

TEST(ConditionParser, ReadsASignAfterAnOperandAsAnOperator) {
  EXPECT_EQ(text_of("event.i -1 == 0"), "(event.i - 1) == 0");
  EXPECT_EQ(text_of("event.i-1 == 0"), "(event.i - 1) == 0");
  EXPECT_EQ(text_of("event.i - -1 == 0"), "(event.i - -1) == 0");
  EXPECT_EQ(text_of("event.a+b == 'xb'"), "(event.a + \"b\") == \"xb\"");
}

TEST(ConditionParser, RefusesABlankBehindASign) {
  EXPECT_EQ(syntax_error("event.i == - 1"),
            "12: Expected a sign that touches its number, found `-` (write -1)");
  EXPECT_EQ(hint_of("event.i == -event.j"),
            "a sign belongs to a number or stands between two operands");
}

TEST(ConditionParser, ReadsBooleansAndNull) {
  EXPECT_EQ(text_of("event.b == true"), "event.b == true");
  EXPECT_EQ(text_of("event.b == True"), "event.b == true");
  EXPECT_EQ(text_of("event.b == false"), "event.b == false");
  EXPECT_EQ(text_of("event.b == False"), "event.b == false");
  EXPECT_EQ(text_of("event.b == null"), "event.b == null");
}

TEST(ConditionParser, ReadsStrings) {
  EXPECT_EQ(text_of(R"(event.s == "it's")"), R"(event.s == "it's")");
  EXPECT_EQ(text_of(R"(event.s == 'say "x"')"), R"(event.s == 'say "x"')");
  EXPECT_EQ(text_of(R"(event.s == "a\tb\d")"), R"(event.s == "a\tb\d")");
}

TEST(ConditionParser, RefusesEscapedQuotes) {
  EXPECT_EQ(hint_of(R"(event.s == "a\"b")"),
            "a quote cannot be escaped; use the other kind of quote around it");
  EXPECT_EQ(hint_of(R"(event.s == 'a\'b')"),
            "a quote cannot be escaped; use the other kind of quote around it");
}

TEST(ConditionParser, ReadsLists) {
  EXPECT_EQ(text_of("event.x in [1, 2.5, 'a', true, null]"),
            "event.x in [1, 2.5, \"a\", true, null]");
  EXPECT_EQ(text_of("[1, 2] contains event.x"), "event.x in [1, 2]");
  EXPECT_EQ(syntax_error("event.x in []"),
            "13: Expected a list item (a number, a string, true, false, null or a path), found `]` "
            "(a list cannot be empty)");
  EXPECT_EQ(hint_of("event.x in [1, [2]]"), "a list cannot hold lists");
  EXPECT_EQ(hint_of("event.x in [a, b]"), "strings in lists are quoted: \"a\"");
  EXPECT_FALSE(parsed("event.x in [(1)]").condition);
  EXPECT_FALSE(parsed("event.x in [1, ]").condition);
  EXPECT_FALSE(parsed("event.x in [1 2]").condition);
  EXPECT_FALSE(parsed("event.x in [1").condition);
}

// ---- calls

TEST(ConditionParser, ReadsRegularExpressionsWithTheirOptions) {
  EXPECT_EQ(text_of("event.s is match('a')"), "event.s is match(\"a\")");
  EXPECT_EQ(text_of("event.s is regex('a')"), "event.s is search(\"a\")");
  EXPECT_EQ(text_of("event.s is not search('a', ignorecase=True, multiline=true)"),
            "event.s is not search(\"a\", ignorecase=true, multiline=true)");
  EXPECT_EQ(text_of("event.s is search('a', ignorecase=false)"), "event.s is search(\"a\")");
  EXPECT_EQ(syntax_error("event.s is search('a', ignorecase=1)"),
            "35: Expected true or false for ignorecase, found `1` ()");
  EXPECT_FALSE(parsed("event.s is search('a', 'b')").condition);
  EXPECT_FALSE(parsed("event.s is search()").condition);
  EXPECT_FALSE(parsed("event.s is search('a'").condition);
}

TEST(ConditionParser, RefusesParenthesesAroundArguments) {
  EXPECT_EQ(syntax_error("event.s is search(('a'))"),
            "19: Expected a path or a value, found `(` (arguments stand without parentheses and "
            "are not calculated)");
  EXPECT_FALSE(parsed("event.l is select('==', (1))").condition);
  EXPECT_FALSE(parsed("event.l is selectattr('a', ('=='), 1)").condition);
}

TEST(ConditionParser, WantsAllArgumentsOfSelect) {
  EXPECT_EQ(text_of("event.l is select('>', 5)"), "event.l is select(\">\", 5)");
  EXPECT_EQ(text_of("event.l is not selectattr('a.b', 'in', [6,7])"),
            "event.l is not selectattr(\"a.b\", \"in\", [6, 7])");
  EXPECT_EQ(syntax_error("event.l is select('>')"),
            "22: Expected `,` and another argument, found `)` (write select(\"operator\", value))");
  EXPECT_EQ(hint_of("event.l is selectattr('a', '>')"),
            "write selectattr(\"key\", \"operator\", value)");
  EXPECT_EQ(syntax_error("event.l is select('>', 5, 6)"),
            "25: Expected `)`, found `,` (write select(\"operator\", value))");
}

// ---- errors

TEST(ConditionParser, SaysWhereTheTextLeavesTheGrammar) {
  EXPECT_EQ(syntax_error("event.i = 1"),
            "9: Expected an operator or the end, found `=` (equality is written `==`)");
  EXPECT_EQ(syntax_error("event.a && event.b"),
            "9: Expected `and`, found `&&` (`&&` is written `and`)");
  EXPECT_EQ(syntax_error("event.a || event.b"),
            "9: Expected `or`, found `||` (`||` is written `or`)");
  EXPECT_EQ(syntax_error("!event.a"), "1: Expected `not`, found `!` (`!` is written `not`)");
  EXPECT_EQ(syntax_error("event.i % 2 == 0"),
            "9: Expected `+`, `-` or a comparison, found `%` (conditions cannot take remainders)");
  EXPECT_EQ(syntax_error("event.i <> 1"), "9: Expected `!=`, found `<>` (`<>` is written `!=`)");
  EXPECT_EQ(syntax_error("evnt.x == 1"),
            "1: Expected event, events, fact, facts or vars, found `evnt` (did you mean `event`?)");
  EXPECT_EQ(hint_of("alert.level[0] == 1"), "did you mean `event.alert.level[0]`?");
  EXPECT_EQ(syntax_error(""),
            "1: Expected a path, a value or a parenthesis, found the end (something is missing at "
            "the end)");
  EXPECT_EQ(syntax_error("event.a =="),
            "11: Expected a path, a value or a parenthesis, found the end (something is missing at "
            "the end)");
  EXPECT_EQ(syntax_error("(event.a == 1"),
            "14: Expected `)` for the `(` at character 1, found the end ()");
  EXPECT_EQ(syntax_error("event.a == 1)"),
            "13: Expected an operator or the end, found `)` (there is no `(` for it)");
  EXPECT_EQ(syntax_error("event.a == 1 event.b == 2"),
            "14: Expected an operator or the end, found `event.b` (tests are combined with `and` "
            "or `or`)");
  EXPECT_EQ(hint_of("event.s like 'a'"),
            "the operators that are words are and, or, in, contains and is");
  EXPECT_EQ(hint_of("event.l contain 'a'"), "did you mean `contains`?");
  EXPECT_EQ(hint_of("{{ event.a }} == 1"),
            "conditions are no templates: write event.x, not {{ event.x }}");
}

TEST(ConditionParser, RefusesBareRoots) {
  for (const std::string root : {"event", "events", "fact", "facts", "vars"}) {
    EXPECT_EQ(syntax_error(root + " == 1"),
              fmt::format("1: Expected a path such as {0}.name, found `{0}` (as a string it is "
                          "written \"{0}\")",
                          root));
  }
}

TEST(ConditionParser, RefusesNotInsideAComparison) {
  EXPECT_EQ(hint_of("event.a == not event.b"),
            "`not` stands before a whole test, or in parentheses");
}

TEST(ConditionParser, UnderlinesWhatIsWrong) {
  EXPECT_EQ(parsed("event.a == 1 ANDY event.b").first().where,
            (Location{"rules.yml", 7, 16 + 13, 4}));
  EXPECT_EQ(parsed("event.a ==").first().where, (Location{"rules.yml", 7, 16 + 10, 1}));
}

TEST(ConditionParser, CountsLinesOfATextWithLineBreaks) {
  EXPECT_EQ(parsed("event.a == 1\nand event.b = 2").first().where,
            (Location{"rules.yml", 8, 16 + 12, 1}));
}

TEST(ConditionParser, RefusesDeepNestingInsteadOfOverflowing) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "event.a" + std::string(depth, ')');
  };
  EXPECT_TRUE(parsed(nested(kDeepest)).condition);
  EXPECT_EQ(parsed(nested(kDeepest + 1)).first().code, "condition-syntax");
  EXPECT_EQ(parsed(nested(100'000)).first().code, "condition-syntax");
  EXPECT_EQ(parsed(std::string(100'000, '(')).first().code, "condition-syntax");
  std::string calls = "event.a is ";
  for (int i = 0; i < 30'000; ++i) calls += "search(";
  EXPECT_EQ(parsed(calls).first().code, "condition-syntax");
}

TEST(ConditionParser, BoundsCallsInsideCalls) {
  std::string text = "event.a is ";
  for (int i = 0; i < 200; ++i) text += "search(";
  text += "'a'";
  for (int i = 0; i < 200; ++i) text += ")";
  EXPECT_EQ(parsed(text).first().code, "condition-syntax");
}

TEST(ConditionParser, RefusesTextsThatAreTooLong) {
  const auto result = parsed("event.a == '" + std::string(kLongest, 'x') + "'");
  EXPECT_EQ(result.first().code, "condition-syntax");
  EXPECT_EQ(result.first().hint, "put long lists into variables: event.x in vars.list");
}

TEST(ConditionParser, CollapsesAnyNumberOfNots) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "not ";
  EXPECT_EQ(text_of(text + "event.a"), "not event.a");
}

TEST(ConditionParser, TakesLongChainsOfTheSameOperator) {
  std::string text = "event.a == 0";
  for (int i = 1; i < 5000; ++i) text += fmt::format(" or event.a == {}", i);
  const auto result = parsed(text);
  ASSERT_TRUE(result.condition);
  EXPECT_EQ(result.condition->expression.operands.size(), 5000u);
}

TEST(ConditionParser, RefusesChainsThatWouldNestTooDeep) {
  std::string logic = "event.a";
  std::string sum = "event.a";
  for (int i = 0; i < 5000; ++i) {
    logic += i % 2 == 0 ? " and event.b" : " or event.b";
    sum += " + 1";
  }
  EXPECT_EQ(parsed(logic).first().code, "too-deep");
  EXPECT_EQ(parsed(sum + " == 1").first().code, "too-deep");
}

TEST(ConditionParser, FindsTheAliasOfAConditionWithoutCheckingIt) {
  EXPECT_EQ(alias_of("events.first << event.a == 1"), "first");
  EXPECT_EQ(alias_of("facts.second<<nonsense nonsense"), "second");
  EXPECT_EQ(alias_of("event.first << event.a == 1"), "");
  EXPECT_EQ(alias_of("events.a.b << event.a == 1"), "");
  EXPECT_EQ(alias_of("events.first == 1"), "");
  EXPECT_EQ(alias_of(""), "");
}

}  // namespace
}  // namespace millrace::rules
