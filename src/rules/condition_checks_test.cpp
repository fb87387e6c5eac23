// SPDX-License-Identifier: Apache-2.0
#include "condition_checks.hpp"

#include <gtest/gtest.h>

#include "condition_test_case.hpp"
#include "millrace/event/json.hpp"

namespace millrace::rules {
namespace {

using Kind = Expression::Kind;

std::string text_of(std::string_view condition) { return parsed(condition).text(); }

const Expression& expression(const ParsedCondition& result) {
  static const Expression kNone;
  EXPECT_TRUE(result.condition) << result.faults();
  return result.condition ? result.condition->expression : kNone;
}

// The only diagnostic: "column code: message (hint)".
std::string only_fault(const ParsedCondition& result) {
  if (result.diagnostics.items().size() != 1) return "not one diagnostic: " + result.faults();
  const auto& item = result.first();
  return fmt::format("{} {}: {} ({})", item.where.column - 15, item.code, item.message, item.hint);
}
std::string only_fault(std::string_view condition) { return only_fault(parsed(condition)); }

std::string code_of(std::string_view condition) {
  const auto result = parsed(condition);
  return result.condition ? "no error" : result.first().code;
}

// ---- what a condition is

TEST(Condition, RemembersItsTextAndPlace) {
  const auto result = parsed("event.a == 1");
  ASSERT_TRUE(result.condition);
  EXPECT_EQ(result.condition->text, "event.a == 1");
  EXPECT_EQ(result.condition->where, (Location{"rules.yml", 7, 16, 1}));
  EXPECT_EQ(result.condition->alias, "");
}

TEST(Condition, KeepsThePlaceOfEveryNode) {
  const auto result = parsed("event.a == 1 and event.bb is defined");
  const auto& both = expression(result);
  EXPECT_EQ(both.offset, 0u);
  EXPECT_EQ(both.length, 36u);
  EXPECT_EQ(both.operands[1].offset, 17u);
  EXPECT_EQ(both.operands[1].length, 19u);
  EXPECT_EQ(both.operands[1].operands[0].offset, 17u);
  EXPECT_EQ(both.operands[1].operands[0].length, 8u);
}

TEST(Condition, MakesTruthOfAPathAlone) {
  const auto result = parsed("event.a");
  EXPECT_EQ(expression(result).kind, Kind::truth);
  EXPECT_EQ(expression(result).operands.at(0).path.to_string(), "a");
  EXPECT_EQ(text_of("event.a and not fact.b.c"), "(event.a and not event.b.c)");
}

TEST(Condition, MeansTheSameUnderEveryRoot) {
  for (const std::string root : {"event", "events", "fact", "facts"}) {
    const auto result = parsed(root + ".a.b == 1");
    EXPECT_EQ(expression(result).operands.at(0).path.to_string(), "a.b");
    EXPECT_FALSE(expression(result).operands.at(0).binding);
  }
}

TEST(Condition, AcceptsConstantTests) {
  EXPECT_EQ(text_of("true"), "true");
  EXPECT_EQ(text_of("False"), "false");
  EXPECT_EQ(text_of("1 == 1"), "1 == 1");
  EXPECT_EQ(text_of("event.a and true"), "(event.a and true)");
}

TEST(Condition, RefusesAValueAlone) {
  EXPECT_EQ(only_fault("1"),
            "1 value-as-test: `1` is a value, not a test (compare it with something: event.x == "
            "1)");
  for (const auto* text : {"'abc'", "abc", "[1, 2]", "null", "event.a + 1", "event.a and 1",
                           "not 'x'", "(event.a + 1) or event.b", "TRUE", "1.5"}) {
    EXPECT_EQ(parsed(text).diagnostics.items().back().code, "value-as-test") << text;
    EXPECT_FALSE(parsed(text).condition) << text;
  }
}

TEST(Condition, ReportsAllItsFaultsAtOnce) {
  EXPECT_EQ(parsed("event.a * 2 == 1 and event.s is search('(') or vars.nope").faults(),
            "1 error refused-operator; 40 error bad-regex; 48 error unknown-variable");
}

// ---- comparisons

TEST(Condition, ComparesValues) {
  for (const auto& [op, kind] : {std::pair{"==", Kind::equal},
                                 {"!=", Kind::not_equal},
                                 {"<", Kind::less},
                                 {"<=", Kind::less_equal},
                                 {">", Kind::greater},
                                 {">=", Kind::greater_equal}}) {
    const auto result = parsed(fmt::format("event.a {} event.b", op));
    EXPECT_EQ(expression(result).kind, kind);
    EXPECT_EQ(text_of(fmt::format("event.a {} event.b", op)),
              fmt::format("event.a {} event.b", op));
  }
}

TEST(Condition, RefusesAComparisonOfAComparison) {
  EXPECT_EQ(only_fault("event.a > 1 > 0"),
            "1 chained-comparison: `event.a > 1 > 0` compares a comparison (write event.a > 1 and "
            "1 > 0)");
  EXPECT_EQ(only_fault("event.a == 1 != 2"),
            "12 test-as-operand: `1 != 2` is a test, not a value (an operator takes values on both "
            "sides; combine tests with `and` or `or`)");
  EXPECT_EQ(code_of("(event.a == 1) == true"), "test-as-operand");
  EXPECT_EQ(code_of("(not event.a) == true"), "test-as-operand");
  EXPECT_EQ(code_of("event.a + (event.b == 1) == 1"), "test-as-operand");
  EXPECT_EQ(code_of("event.a == search('x')"), "test-as-operand");
}

TEST(Condition, RefusesProductsAndQuotients) {
  EXPECT_EQ(only_fault("event.i * 2 == 4"),
            "1 refused-operator: Unhandled token OperatorExpression: `*` in `event.i * 2` "
            "(conditions can add and subtract, not multiply or divide)");
  EXPECT_EQ(code_of("event.i / 2 == 4"), "refused-operator");
  EXPECT_EQ(code_of("event.i * 2"), "refused-operator");
}

TEST(Condition, WarnsOfSumsThatCannotBe) {
  const auto result = parsed("event.a-b == 1");
  EXPECT_TRUE(result.condition);
  EXPECT_EQ(only_fault(result),
            "9 never-matches: `-` takes no \"b\": this never matches (a key with a dash is written "
            "event[\"a-b\"])");
  EXPECT_EQ(parsed("event.a + true == 1").faults(), "11 warning never-matches");
  EXPECT_EQ(parsed("event.a + 'x' == 'yx'").faults(), "");
  EXPECT_EQ(parsed("event.a + null == 1").faults(), "");
}

TEST(Condition, PutsTheListOfAMembershipTestFirst) {
  for (const auto* text : {"event.x in event.l", "event.l contains event.x"}) {
    const auto result = parsed(text);
    EXPECT_EQ(expression(result).kind, Kind::contains);
    EXPECT_EQ(expression(result).operands.at(0).path.to_string(), "l");
    EXPECT_EQ(expression(result).operands.at(1).path.to_string(), "x");
  }
  for (const auto* text : {"event.x not in event.l", "event.l not contains event.x"}) {
    const auto result = parsed(text);
    EXPECT_EQ(expression(result).kind, Kind::not_contains);
    EXPECT_EQ(expression(result).operands.at(0).path.to_string(), "l");
  }
}

TEST(Condition, RefusesPathsInLists) {
  EXPECT_EQ(only_fault("event.x in [1, event.y]"),
            "16 bad-list-item: Unknown list item: event.y (lists hold literals and `vars`; compare "
            "with `or` instead)");
}

TEST(Condition, WarnsOfWordsThatLookLikeLiterals) {
  const auto result = parsed("event.i == None");
  EXPECT_TRUE(result.condition);
  EXPECT_EQ(only_fault(result),
            "12 bare-string: `None` is the string \"None\" here (write null, or \"None\" in "
            "quotes)");
  EXPECT_EQ(parsed("event.i == TRUE").first().hint, "write true, or \"TRUE\" in quotes");
  EXPECT_EQ(parsed("event.i == yes").faults(), "");
}

// ---- logic

TEST(Condition, WarnsOfAMixOfAndAndOr) {
  const auto result = parsed("event.a or event.b and event.c");
  EXPECT_TRUE(result.condition);
  EXPECT_EQ(only_fault(result),
            "1 mixed-and-or: `and` and `or` bind equally tight, from left to right (it is read as "
            "((event.a or event.b) and event.c); say so, or otherwise, with parentheses)");
  EXPECT_EQ(parsed("(event.a or event.b) and event.c").faults(), "");
  EXPECT_EQ(parsed("event.x or (event.a or event.b and event.c)").faults(),
            "13 warning mixed-and-or");
}

TEST(Condition, CountsSeveralNotsAsOne) {
  for (const auto* text : {"not not event.a", "not (not event.a)", "not not not event.a"}) {
    EXPECT_EQ(text_of(text), "not event.a");
    EXPECT_EQ(parsed(text).faults(), "1 warning double-not") << text;
  }
}

TEST(Condition, WarnsOfTheNegationOfDefined) {
  const auto result = parsed("not event.a is defined");
  EXPECT_TRUE(result.condition);
  EXPECT_EQ(only_fault(result),
            "1 never-matches: `not event.a is defined` never matches (write event.a is not "
            "defined)");
  EXPECT_EQ(parsed("not (event.a is defined)").faults(), "1 warning never-matches");
  EXPECT_EQ(parsed("event.a is not defined").faults(), "");
}

// ---- is

TEST(Condition, TestsWhetherAPathIsDefined) {
  EXPECT_EQ(expression(parsed("event.a is defined")).kind, Kind::defined);
  EXPECT_EQ(expression(parsed("event.a is not defined")).kind, Kind::not_defined);
  EXPECT_EQ(only_fault("1 is defined"),
            "1 bad-operand: `is defined` takes a path of the event, not `1` ()");
  EXPECT_EQ(code_of("event.a == 1 is defined"), "test-as-operand");  // `==` binds tighter
}

TEST(Condition, SaysHowTestsThatDoNotExistAreWritten) {
  EXPECT_EQ(only_fault("event.a is undefined"),
            "12 unknown-test: `is undefined` is no test (write event.a is not defined)");
  EXPECT_EQ(parsed("event.a is not undefined").first().hint, "write event.a is defined");
  EXPECT_EQ(parsed("event.a is none").first().hint, "write event.a == null");
  EXPECT_EQ(parsed("event.a is None").first().hint, "write event.a == null");
  EXPECT_EQ(parsed("event.a is not null").first().hint, "write event.a != null");
  EXPECT_EQ(parsed("event.a is true").first().hint, "write event.a == true");
  EXPECT_EQ(parsed("event.a is not 5").first().hint, "write event.a != 5");
  EXPECT_EQ(parsed("event.a is defind").first().hint, "did you mean `defined`?");
  EXPECT_EQ(parsed("event.a is odd").first().hint,
            "the tests are defined, match, search, regex, select and selectattr");
  EXPECT_EQ(code_of("event.a is defined is defined"), "chained-test");
  EXPECT_EQ(only_fault("search('x')"),
            "1 bare-test: `search('x')` needs something to test (write event.x is search('x'))");
}

TEST(Condition, CompilesRegularExpressions) {
  const auto result = parsed("event.s is not match('a.c', ignorecase=true)");
  const auto& match = expression(result);
  EXPECT_EQ(match.kind, Kind::not_matches);
  EXPECT_TRUE(match.regex_options.ignore_case);
  EXPECT_FALSE(match.regex_options.multiline);
  EXPECT_EQ(match.regex_options.anchor, Regex::Anchor::start);
  EXPECT_EQ(match.operands.at(1).value, Value("a.c"));
  EXPECT_EQ(expression(parsed("event.s is search('a')")).regex_options.anchor, Regex::Anchor::none);
  EXPECT_EQ(expression(parsed("event.s is regex('a')")).regex_options.anchor, Regex::Anchor::none);

  const auto wrong = parsed("event.s is search(\"(\")");
  EXPECT_EQ(wrong.faults(), "19 error bad-regex");
  EXPECT_EQ(wrong.first().where.length, 3u);
  EXPECT_EQ(code_of("event.s is match('[')"), "bad-regex");
}

TEST(Condition, RefusesUnknownOptions) {
  EXPECT_EQ(only_fault("event.s is search('a', foo=true)"),
            "24 unknown-option: unknown option `foo` of search (the options are ignorecase and "
            "multiline)");
  EXPECT_EQ(parsed("event.s is search('a', ignore_case=true)").first().hint,
            "did you mean `ignorecase`?");
}

TEST(Condition, TakesPatternsFromTheEventForLiteralsOnly) {
  const auto result = parsed("\"literal\" is search(event.p)");
  EXPECT_EQ(expression(result).operands.at(1).path.to_string(), "p");
  EXPECT_EQ(only_fault("event.s is search(event.p)"),
            "19 bad-pattern: a pattern can come from the event only where the searched text is a "
            "literal (write the pattern in quotes, or as vars.name)");
  EXPECT_EQ(code_of("event.s is search(5)"), "not-a-string");
  EXPECT_EQ(code_of("event.s is search(abc)"), "not-a-string");
  EXPECT_EQ(code_of("1 is search(event.p)"), "bad-pattern");
}

TEST(Condition, SelectsWithEveryOperator) {
  for (const auto* op : {"==", "!=", "<", "<=", ">", ">=", "search"}) {
    const auto text = fmt::format("event.l is select(\"{}\", \"a\")", op);
    EXPECT_EQ(text_of(text), text);
  }
  EXPECT_EQ(text_of("event.l is select('match', 'a')"), "event.l is select(\"match\", \"a\")");
  EXPECT_EQ(text_of("event.l is select('regex', 'a')"), "event.l is select(\"search\", \"a\")");
  EXPECT_EQ(text_of("event.l is select('==', event.x)"), "event.l is select(\"==\", event.x)");
  EXPECT_EQ(only_fault("event.l is select('like', 5)"),
            "19 unknown-select-operator: Operator like is not supported (the operators of select "
            "are ==, !=, <, <=, >, >=, match, search, regex)");
  EXPECT_EQ(code_of("event.l is select('in', [1])"), "unknown-select-operator");
  EXPECT_EQ(code_of("event.l is select(event.op, 1)"), "not-a-string");
  EXPECT_EQ(code_of("event.l is select('search', '(')"), "bad-regex");
  EXPECT_EQ(code_of("event.l is select('match', 5)"), "not-a-string");
  EXPECT_EQ(code_of("event.l is select('==', (event.a + 1))"), "condition-syntax");
  EXPECT_EQ(code_of("event.l is select('==', search('a'))"), "test-as-operand");
}

TEST(Condition, SelectsAttributesWithEveryOperator) {
  for (const auto* op :
       {"==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains", "not contains", "search"}) {
    const auto text = fmt::format("event.l is not selectattr(\"a.b\", \"{}\", \"x\")", op);
    EXPECT_EQ(text_of(text), text);
  }
  const auto result = parsed("event.l is selectattr('a.b', 'match', 'x')");
  EXPECT_EQ(expression(result).select_op, Expression::SelectOp::search);
  EXPECT_EQ(expression(result).key, "a.b");
  EXPECT_EQ(only_fault("event.l is selectattr('a', '==', event.x)"),
            "34 bad-operand: the value of selectattr cannot come from an event: `event.x` (write a "
            "literal or vars.name)");
  EXPECT_EQ(only_fault("event.l is selectattr(event.k, '==', 1)"),
            "23 not-a-string: the key must be a string in quotes, not `event.k` ()");
  EXPECT_EQ(code_of("event.l is selectattr('a', 'search', '(')"), "bad-regex");
}

// ---- aliases

TEST(Condition, TakesAnAliasFromEventsOrFacts) {
  const auto result = parsed("events.first << event.a == 1 or event.b == 2");
  ASSERT_TRUE(result.condition);
  EXPECT_EQ(result.condition->alias, "first");
  EXPECT_EQ(result.text(), "(event.a == 1 or event.b == 2)");
  EXPECT_EQ(parsed("facts.f << event.a").condition->alias, "f");
}

TEST(Condition, RefusesOtherAliases) {
  EXPECT_EQ(only_fault("event.x << event.a == 1"),
            "1 bad-alias: Only events and facts can be used in assignment. event.x is invalid. "
            "(write events.x << ...)");
  EXPECT_EQ(only_fault("events.a.b << event.a == 1"),
            "1 bad-alias: Assignment variable: events.a.b is invalid.Valid values start with "
            "events or facts. One name must follow the dot. (write events.first << ..., with any "
            "name in place of first)");
  for (const auto* text :
       {"vars.x << event.a", "'x' << event.a", "events.a[0] << event.a", "fact.x << event.a",
        "events.a << events.b << event.a", "event.a and (events.b << event.a)", "1 << event.a"}) {
    EXPECT_EQ(code_of(text), "bad-alias") << text;
  }
}

// ---- vars and templates

ParsedCondition with_vars(std::string_view condition) {
  static const Value kVars = *parse_json(
      R"({"n": 5, "f": 1.5, "s": "text", "t": "{{ n }}", "b": true, "l": [1, "A"], "z": null,
          "a": {"b": {"c": 7}, "list": [1]}})");
  ConditionScope scope;
  scope.variables = &kVars.get_object();
  scope.render = [](std::string_view text) -> Result<std::string> {
    if (text.contains("bad")) return fail(Errc::invalid_rule, "'bad' is undefined");
    return fmt::format("<{}>", text);
  };
  return parsed(condition, scope);
}

TEST(Condition, PutsVariablesInTheirPlaces) {
  EXPECT_EQ(with_vars("event.i == vars.n").text(), "event.i == 5");
  EXPECT_EQ(with_vars("event.i == vars.f").text(), "event.i == 1.5");
  EXPECT_EQ(with_vars("event.i == vars.s").text(), "event.i == \"text\"");
  EXPECT_EQ(with_vars("event.i == vars.b").text(), "event.i == true");
  EXPECT_EQ(with_vars("event.i == vars.z").text(), "event.i == null");
  EXPECT_EQ(with_vars("event.i not in vars.l").text(), "event.i not in [1, \"A\"]");
  EXPECT_EQ(with_vars("event.i == vars.a.b.c").text(), "event.i == 7");
  EXPECT_EQ(with_vars("event.i in [1, vars.n]").text(), "event.i in [1, 5]");
  EXPECT_EQ(with_vars("event.s is search(vars.s)").text(), "event.s is search(\"text\")");
  EXPECT_EQ(with_vars("event.l is select('==', vars.n)").text(), "event.l is select(\"==\", 5)");
  EXPECT_EQ(with_vars("vars.b").text(), "true");
  EXPECT_EQ(with_vars("vars.b and event.a").text(), "(true and event.a)");
}

TEST(Condition, RefusesVariablesThatAreMissing) {
  EXPECT_EQ(only_fault(with_vars("event.i == vars.a.other")),
            "12 unknown-variable: vars does not contain key: a.other ()");
  EXPECT_EQ(only_fault(with_vars("event.i == vars.a.lisst")),
            "12 unknown-variable: vars does not contain key: a.lisst (did you mean `list`?)");
  EXPECT_EQ(with_vars("event.i == vars.l[0]").first().message, "vars does not contain key: l[0]");
  EXPECT_EQ(with_vars("event.i == vars.n.x").first().message, "vars does not contain key: n.x");
  EXPECT_EQ(only_fault("event.i == vars.nope"),
            "12 unknown-variable: vars does not contain key: nope ()");
}

TEST(Condition, RefusesObjectsAsVariables) {
  EXPECT_EQ(only_fault(with_vars("event.i == vars.a")),
            "12 bad-variable: Invalid type for a: object (name one of its keys with another dot)");
}

TEST(Condition, RefusesVariablesWhereAPathOrATestBelongs) {
  EXPECT_EQ(with_vars("vars.n is defined").first().code, "bad-operand");
  EXPECT_EQ(with_vars("vars.n").first().code, "value-as-test");
  EXPECT_EQ(with_vars("event.s is search(vars.n)").first().code, "not-a-string");
}

TEST(Condition, RendersTemplatesInStringsAndVariables) {
  EXPECT_EQ(with_vars("event.s == 'x {{ n }}'").text(), "event.s == \"<x {{ n }}>\"");
  EXPECT_EQ(with_vars("event.s == vars.t").text(), "event.s == \"<{{ n }}>\"");
  EXPECT_EQ(with_vars("event.s is search('{{ n }}')").text(), "event.s is search(\"<{{ n }}>\")");
  EXPECT_EQ(with_vars("event.s == '{{'").text(), "event.s == \"{{\"");
  EXPECT_EQ(with_vars("event.s == '}} {{'").text(), "event.s == \"}} {{\"");
  EXPECT_EQ(only_fault(with_vars("event.s == '{{ bad }}'")),
            "12 template: `{{ bad }}` cannot be rendered: 'bad' is undefined ()");
  EXPECT_EQ(code_of("event.s == '{{ n }}'"), "template");
}

// ---- bindings

ParsedCondition second_of(std::string_view condition, std::vector<std::string> names) {
  ConditionScope scope;
  scope.bindings = names;
  scope.position = 1;
  return parsed(condition, scope);
}

TEST(Condition, FindsTheEarlierConditionThatAPathBelongsTo) {
  for (const std::string root : {"event", "events", "fact", "facts"}) {
    const auto result = second_of("event.b == " + root + ".m_0.a.c", {"m_0", "m_1"});
    const auto& right = expression(result).operands.at(1);
    EXPECT_EQ(right.binding, 0u);
    EXPECT_EQ(right.path.to_string(), "a.c");
  }
  const auto aliased = second_of("event.b == events.first.a", {"first", "m_1"});
  EXPECT_EQ(expression(aliased).operands.at(1).binding, 0u);
  const auto whole = second_of("event.b == events.m_0", {"m_0", "m_1"});
  EXPECT_TRUE(expression(whole).operands.at(1).path.empty());
}

TEST(Condition, HasNoBindingsWhereItIsTheOnlyOne) {
  const auto result = parsed("event.b == events.m_0.a");
  EXPECT_FALSE(expression(result).operands.at(1).binding);
  EXPECT_EQ(expression(result).operands.at(1).path.to_string(), "m_0.a");
}

TEST(Condition, LeavesBracketedNamesToTheEvent) {
  const auto result = second_of("event.b == event['m_0'].a", {"m_0", "m_1"});
  EXPECT_FALSE(expression(result).operands.at(1).binding);
}

TEST(Condition, WarnsOfAReferenceToALaterCondition) {
  EXPECT_EQ(only_fault(second_of("event.b == events.m_2.a", {"m_0", "m_1", "m_2"})),
            "12 later-binding: `events.m_2.a` refers to a later condition, which never matches "
            "(put the condition that declares m_2 before this one)");
  EXPECT_EQ(second_of("event.b == event.m_2.a", {"m_0", "m_1", "m_2"}).first().code,
            "later-binding");
  EXPECT_EQ(second_of("event.b == events.host.a", {"m_0", "m_1", "host"}).first().code,
            "later-binding");
}

TEST(Condition, ReadsAFieldThatIsCalledLikeALaterAlias) {
  const auto result = second_of("event.host == 'x'", {"m_0", "m_1", "host"});
  EXPECT_EQ(result.text(), "event.host == \"x\"");
  EXPECT_EQ(result.faults(), "");
}

TEST(Condition, WarnsOfNamesThatAreNoBindings) {
  EXPECT_EQ(only_fault(second_of("events.me.a == 1", {"m_0", "me"})),
            "1 own-binding: `events.me.a` is a field of the event, not the event of this condition "
            "(write event.a)");
  EXPECT_EQ(only_fault(second_of("event.a == events.m_0.a", {"first", "m_1"})),
            "12 unknown-binding: no condition of this rule is called m_0; this is a field of the "
            "event (the conditions are called first, m_1)");
}

TEST(Condition, RefusesTwoOperandsThatBelongToOtherConditions) {
  EXPECT_EQ(only_fault(second_of("events.m_0.a == events.m_0.b", {"m_0", "m_1"})),
            "1 other-bindings: Both operands events.m_0.a and events.m_0.b belong to a fact "
            "different than the matched one (compare each with the event of this condition, or "
            "move the test to the condition that declares the later of the two)");
  EXPECT_EQ(second_of("events.m_0.l is select('==', events.m_0.b)", {"m_0", "m_1"}).first().code,
            "other-bindings");
  EXPECT_EQ(second_of("events.m_0.l contains events.m_0.b + 1", {"m_0", "m_1"}).first().code,
            "other-bindings");
  EXPECT_EQ(second_of("event.c == events.m_0.a + events.m_0.b", {"m_0", "m_1"}).faults(), "");
  EXPECT_EQ(second_of("events.m_0.a == 1", {"m_0", "m_1"}).faults(), "");
}

TEST(Condition, TakesNoPatternFromAnotherCondition) {
  EXPECT_EQ(only_fault(second_of("event.s is search(events.m_0.x)", {"m_0", "m_1"})),
            "19 bad-pattern: a pattern cannot come from the event of another condition (write the "
            "pattern in quotes, or as vars.name)");
  EXPECT_EQ(second_of("'x' is search(events.m_0.x)", {"m_0", "m_1"}).first().code, "bad-pattern");
  EXPECT_EQ(second_of("event.l is select('search', events.m_0.x)", {"m_0", "m_1"}).faults(), "");
}

TEST(Condition, WritesPathsOfOtherConditionsWithTheirNames) {
  const auto result = second_of("event.a == events.first.b", {"first", "m_1"});
  EXPECT_EQ(to_text(expression(result)), "event.a == events.m_0.b");
  const std::vector<std::string> names = {"first", "m_1"};
  EXPECT_EQ(to_text(expression(result), names), "event.a == events.first.b");
}

}  // namespace
}  // namespace millrace::rules
