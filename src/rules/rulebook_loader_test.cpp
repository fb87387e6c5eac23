// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/rules/rulebook.hpp"

namespace millrace::rules {
namespace {

using namespace std::chrono_literals;

struct Loaded {
  std::optional<Rulebook> rulebook;
  Diagnostics diagnostics;

  const RuleSet& rule_set() const { return rulebook->rule_sets.at(0); }
  const Rule& rule() const { return rule_set().rules.at(0); }
  /// "line:column severity code: message (hint)", one a line.
  std::string faults() const {
    std::string out;
    for (const auto& item : diagnostics.items()) {
      out += fmt::format("{}:{} {}: {} ({})\n", item.where.line, item.where.column, item.code,
                         item.message, item.hint);
    }
    return out;
  }
  /// "line:column code", separated by blanks.
  std::string codes() const {
    std::string out;
    for (const auto& item : diagnostics.items()) {
      out += fmt::format("{}{}:{} {}", out.empty() ? "" : ", ", item.where.line, item.where.column,
                         item.code);
    }
    return out;
  }
};

Loaded load(std::string_view text, const LoadOptions& options = {}) {
  Loaded loaded;
  loaded.rulebook = load_rulebook(text, "rules.yml", options, loaded.diagnostics);
  for (const auto& item : loaded.diagnostics.items()) EXPECT_EQ(item.where.file, "rules.yml");
  EXPECT_NE(loaded.rulebook.has_value(), loaded.diagnostics.has_errors());
  return loaded;
}

// A rule set around the lines of one rule, which begin in line 6, column 7.
std::string with_rule(std::string_view lines) {
  std::string text = "- name: s\n  hosts: all\n  sources: []\n  rules:\n    - name: r\n";
  for (const auto line : split(lines, '\n')) text += fmt::format("      {}\n", line);
  return text;
}
Loaded load_rule(std::string_view lines) { return load(with_rule(lines)); }

constexpr std::string_view kRest = "hosts: all\n  sources: []\n  rules: []\n";

// ---- whole rulebooks

TEST(Rulebook, LoadsEverythingThatIsWritten) {
  const auto loaded = load(R"(---
- name: "  first  "
  hosts: all
  default_events_ttl: 3 hours
  gather_facts: true
  match_multiple_rules: true
  execution_strategy: parallel
  sources:
    - name: numbers
      ansible.eda.range:
        limit: 5
      filters:
        - ansible.eda.noop:
        - json_filter: {include_keys: [a]}
    - ansible.eda.generic:
  rules:
    - name: r1
      condition: event.i == 1
      action:
        debug:
          msg: hello
    - name: r2
      enabled: false
      condition:
        all:
          - events.first << event.a == 1
          - event.b == events.first.a
        timeout: 10 seconds
      actions:
        - print_event:
        - none: {}
)");
  ASSERT_TRUE(loaded.rulebook) << loaded.faults();
  EXPECT_EQ(loaded.rulebook->file, "rules.yml");
  const RuleSet& set = loaded.rule_set();
  EXPECT_EQ(set.name, "first");
  EXPECT_EQ(set.where.line, 2u);
  EXPECT_EQ(set.hosts, std::vector<std::string>{"all"});
  EXPECT_EQ(set.default_events_ttl.length, 3h);
  EXPECT_TRUE(set.gather_facts);
  EXPECT_TRUE(set.match_multiple_rules);
  EXPECT_EQ(set.execution_strategy, ExecutionStrategy::parallel);
  ASSERT_EQ(set.sources.size(), 2u);
  EXPECT_EQ(set.sources[0].name, "numbers");
  EXPECT_TRUE(set.sources[0].named);
  EXPECT_EQ(set.sources[0].plugin.name, "ansible.eda.range");
  EXPECT_EQ(set.sources[0].plugin.where, (Location{"rules.yml", 10, 7, 17}));
  EXPECT_EQ(to_json(set.sources[0].plugin.settings), R"({"limit":5})");
  EXPECT_EQ(set.sources[0].plugin.node.find("limit")->where.line, 11u);
  ASSERT_EQ(set.sources[0].filters.size(), 2u);
  EXPECT_EQ(set.sources[0].filters[0].name, "ansible.eda.noop");
  EXPECT_TRUE(set.sources[0].filters[0].settings.empty());
  EXPECT_EQ(to_json(set.sources[0].filters[1].settings), R"({"include_keys":["a"]})");
  EXPECT_EQ(set.sources[1].name, "eda.builtin.generic");
  EXPECT_FALSE(set.sources[1].named);

  ASSERT_EQ(set.rules.size(), 2u);
  const Rule& first = set.rules[0];
  EXPECT_EQ(first.name, "r1");
  EXPECT_EQ(first.where.line, 17u);
  EXPECT_EQ(first.combine, Rule::Combine::single);
  EXPECT_TRUE(first.enabled);
  EXPECT_EQ(first.binding(0), "m");
  ASSERT_EQ(first.actions.size(), 1u);
  EXPECT_EQ(first.actions[0].name, "debug");
  EXPECT_EQ(to_json(first.actions[0].settings), R"({"msg":"hello"})");
  const Rule& second = set.rules[1];
  EXPECT_FALSE(second.enabled);
  EXPECT_EQ(second.combine, Rule::Combine::all);
  ASSERT_EQ(second.conditions.size(), 2u);
  EXPECT_EQ(second.binding(0), "first");
  EXPECT_EQ(second.binding(1), "m_1");
  EXPECT_EQ(second.timeout->length, 10s);
  EXPECT_EQ(second.actions.size(), 2u);
}

TEST(Rulebook, HasDefaults) {
  const auto loaded = load(with_rule("condition: true\naction: {debug: }"));
  ASSERT_TRUE(loaded.rulebook) << loaded.faults();
  EXPECT_FALSE(loaded.rule_set().gather_facts);
  EXPECT_FALSE(loaded.rule_set().match_multiple_rules);
  EXPECT_EQ(loaded.rule_set().default_events_ttl.text, "2 hours");
  EXPECT_FALSE(loaded.rule_set().execution_strategy);
  EXPECT_TRUE(loaded.rule().enabled);
  EXPECT_FALSE(loaded.rule().throttle);
  EXPECT_FALSE(loaded.rule().timeout);
}

TEST(Rulebook, MayHaveNeitherSourcesNorRules) {
  const auto loaded = load(fmt::format("- name: s\n  {}", kRest));
  ASSERT_TRUE(loaded.rulebook) << loaded.faults();
  EXPECT_TRUE(loaded.rule_set().sources.empty());
  EXPECT_TRUE(loaded.rule_set().rules.empty());
}

TEST(Rulebook, IsAListThatIsNotEmpty) {
  EXPECT_EQ(load("").diagnostics.items().at(0).message,
            "a rulebook must be a list of one rule set or more, not nothing");
  EXPECT_EQ(load("[]").codes(), "1:1 wrong-type");
  EXPECT_EQ(load("name: s\nhosts: all\n").faults(),
            "1:1 wrong-type: a rulebook must be a list of one rule set or more, not a mapping "
            "(begin the rule set with `- `)\n");
  EXPECT_EQ(load("just text").codes(), "1:1 wrong-type");
  EXPECT_EQ(load("- 5\n- []\n").codes(), "1:3 wrong-type, 2:3 wrong-type");
}

TEST(Rulebook, ReportsFaultsOfTheYamlItself) {
  const auto loaded = load("- name: s\n   hosts: [all\n");
  EXPECT_FALSE(loaded.rulebook);
  EXPECT_TRUE(loaded.diagnostics.has_errors());
}

TEST(Rulebook, ReportsAllFaultsAtOnceInTheOrderOfTheText) {
  const auto loaded = load(R"(- name: ''
  host: all
  sources: 5
  rules:
    - name: r
      conditon: event.i == 1
      action: {debug: }
    - condition: event.i = 1
      action: {debug: }
      actions: []
      enabled: maybe
)");
  EXPECT_EQ(loaded.codes(),
            "1:3 missing-key, 1:9 empty-name, 2:3 unknown-key, 3:12 wrong-type, 5:7 missing-key, "
            "6:7 unknown-key, 8:7 missing-name, 8:26 condition-syntax, 10:16 bad-action, "
            "10:16 empty-list, 11:16 wrong-type");
}

TEST(Rulebook, AppendsToTheDiagnosticsItIsGiven) {
  Diagnostics diagnostics;
  diagnostics.error("earlier", {}, "something else");
  EXPECT_TRUE(
      load_rulebook(with_rule("condition: true\naction: {debug: }"), "r.yml", {}, diagnostics));
  EXPECT_FALSE(load_rulebook("5", "r.yml", {}, diagnostics));
  EXPECT_EQ(diagnostics.items().size(), 2u);
}

// ---- rule sets

TEST(RuleSet, NeedsAName) {
  EXPECT_EQ(load(fmt::format("- {}", kRest)).faults(),
            "1:3 missing-name: Ruleset name not provided (add `name: ...` to the rule set)\n");
  EXPECT_EQ(load(fmt::format("- name:\n  {}", kRest)).diagnostics.items().at(0).message,
            "Ruleset name not provided");
  EXPECT_EQ(load(fmt::format("- name: '  '\n  {}", kRest)).faults(),
            "1:9 empty-name: Ruleset name cannot be an empty string ()\n");
  EXPECT_EQ(load(fmt::format("- name: 5\n  {}", kRest)).faults(),
            "1:9 wrong-type: `name` must be a text, not the number 5 (put it in quotes: \"5\")\n");
}

TEST(RuleSet, HasANameOfItsOwn) {
  const auto set = fmt::format("- name: ' s'\n  {}", kRest);
  EXPECT_EQ(load(set + set).faults(),
            "5:9 duplicate-name: Ruleset with name: s defined multiple times (rename one of the "
            "rule sets)\n");
}

TEST(RuleSet, NeedsHostsSourcesAndRules) {
  EXPECT_EQ(load("- name: s\n").faults(),
            "1:3 missing-key: a rule set has no `hosts` (add `hosts: all`)\n"
            "1:3 missing-key: a rule set has no `sources` (a rule set without any: sources: [])\n"
            "1:3 missing-key: a rule set has no `rules` (a rule set without any: rules: [])\n");
}

TEST(RuleSet, TakesHostsAsATextOrAList) {
  const auto hosts = [](std::string_view value) {
    const auto loaded =
        load(fmt::format("- name: s\n  hosts: {}\n  sources: []\n  rules: []\n", value));
    return loaded.rulebook ? fmt::format("{}", fmt::join(loaded.rule_set().hosts, "|"))
                           : loaded.codes();
  };
  EXPECT_EQ(hosts("all"), "all");
  EXPECT_EQ(hosts("a,b"), "a,b");  // one element
  EXPECT_EQ(hosts("[a, b]"), "a|b");
  EXPECT_EQ(hosts("[]"), "2:10 empty-list");
  EXPECT_EQ(hosts("5"), "2:10 wrong-type");
  EXPECT_EQ(hosts("[a, 5]"), "2:14 wrong-type");
  EXPECT_EQ(hosts("{a: b}"), "2:10 wrong-type");
}

TEST(RuleSet, ChecksTheTypesOfItsOptions) {
  const auto option = [](std::string_view line) {
    return load(fmt::format("- name: s\n  {}\n  {}", line, kRest)).faults();
  };
  EXPECT_EQ(option("gather_facts: 'true'"),
            "2:17 wrong-type: `gather_facts` must be true or false, not the text \"true\" ()\n");
  EXPECT_EQ(option("match_multiple_rules: 1"),
            "2:25 wrong-type: `match_multiple_rules` must be true or false, not the number 1 ()\n");
  EXPECT_EQ(option("execution_strategy: quick"),
            "2:23 wrong-type: `execution_strategy` must be sequential or parallel, not the text "
            "\"quick\" ()\n");
  EXPECT_EQ(option("default_events_ttl: 500 milliseconds"),
            "2:23 bad-duration: `default_events_ttl` must be a duration such as \"10 seconds\", "
            "not the text \"500 milliseconds\" (a whole number, one blank, and a unit: seconds, "
            "minutes, hours or days)\n");
  EXPECT_EQ(option("default_events_ttl: 500").substr(0, 17), "2:23 bad-duration");
  EXPECT_EQ(option("gather_facts: yes"), "");  // a boolean in YAML 1.1
}

TEST(RuleSet, KnowsNoOtherKeys) {
  for (const std::string key : {"vars", "description", "filters", "enabled"}) {
    EXPECT_EQ(load(fmt::format("- name: s\n  {}: {{}}\n  {}", key, kRest)).codes(),
              "2:3 unknown-key");
  }
  EXPECT_EQ(load(fmt::format("- name: s\n  gatherfacts: true\n  {}", kRest)).faults(),
            "2:3 unknown-key: unknown key `gatherfacts` in a rule set (did you mean "
            "`gather_facts`?)\n");
  EXPECT_TRUE(load(fmt::format("- name: s\n  xyz: 1\n  {}", kRest))
                  .diagnostics.items()
                  .at(0)
                  .hint.starts_with("the keys of a rule set are name, hosts, sources, rules"));
}

// ---- sources

Loaded load_source(std::string_view lines) {
  std::string text = "- name: s\n  hosts: all\n  rules: []\n  sources:\n";
  for (const auto line : split(lines, '\n')) text += fmt::format("    {}\n", line);
  return load(text);
}

TEST(RulebookSource, NamesExactlyOnePlugin) {
  EXPECT_EQ(load_source("- name: x").faults(),
            "5:7 missing-plugin: a source names no plugin (add a key with the plugin's name: "
            "ansible.eda.range:)\n");
  EXPECT_EQ(load_source("- range:\n  limit: 5").faults(),
            "6:7 unknown-key: a source has one plugin, not `range` and `limit` (indent the "
            "settings of `range` below it)\n");
  EXPECT_EQ(load_source("- range: {limit: 5}\n  filter: []").faults(),
            "6:7 unknown-key: a source has one plugin, not `range` and `filter` (did you mean "
            "`filters`?)\n");
  EXPECT_EQ(load_source("- range: {}\n  generic: {}").diagnostics.items().at(0).hint,
            "every plugin is a source of its own, beginning with `- `");
}

TEST(RulebookSource, IsAMapping) {
  EXPECT_EQ(load_source("- range").faults(),
            "5:7 wrong-type: a source must be a mapping with a plugin's name as key, not the text "
            "\"range\" (write range: with a colon)\n");
  EXPECT_EQ(load_source("- range: 5").faults(),
            "5:14 wrong-type: the settings of source `range` must be a mapping or nothing, not the "
            "number 5 ()\n");
  EXPECT_EQ(load_source("- range: [5]").codes(), "5:14 wrong-type");
  EXPECT_EQ(load_source("- range: {}\n  name: 5").codes(), "6:13 wrong-type");
}

TEST(RulebookSource, IsCalledAfterItsPluginUnlessItHasAName) {
  const auto loaded = load_source("- ansible.eda.range: {}\n- my.own.plugin:\n- name: n\n  x:");
  ASSERT_TRUE(loaded.rulebook) << loaded.faults();
  EXPECT_EQ(loaded.rule_set().sources[0].name, "eda.builtin.range");
  EXPECT_EQ(loaded.rule_set().sources[1].name, "my.own.plugin");
  EXPECT_EQ(loaded.rule_set().sources[2].name, "n");
}

TEST(RulebookSource, HasFiltersOfOneKeyEach) {
  EXPECT_EQ(load_source("- range:\n  filters:\n    - noop").faults(),
            "7:11 wrong-type: a filter must be a mapping with one key, the filter's name, not the "
            "text \"noop\" (write noop: with a colon)\n");
  EXPECT_EQ(load_source("- range:\n  filters:\n    - {a: , b: }").codes(), "7:11 wrong-type");
  EXPECT_EQ(load_source("- range:\n  filters:\n    - a: 5").codes(), "7:14 wrong-type");
  EXPECT_EQ(load_source("- range:\n  filters: a").codes(), "6:16 wrong-type");
  EXPECT_EQ(load_source("- range:\n  restart: sometimes").codes(), "6:16 wrong-restart");
  EXPECT_EQ(load_source("- range:\n  restart: on-failure").codes(), "");
}

// ---- rules

TEST(Rule, NeedsAName) {
  const auto rule = [](std::string_view name) {
    return load(fmt::format("- name: s\n  hosts: all\n  sources: []\n  rules:\n    - condition: "
                            "true\n      action: {{debug: }}\n{}",
                            name))
        .faults();
  };
  EXPECT_EQ(rule(""), "5:7 missing-name: Rule name not provided (add `name: ...` to the rule)\n");
  EXPECT_EQ(rule("      name: ''\n"), "7:13 empty-name: Rule name cannot be an empty string ()\n");
  EXPECT_EQ(rule("      name: '  '\n"),
            "7:13 empty-name: Rule name cannot be an empty string ()\n");
  EXPECT_EQ(rule("      name: [a]\n"), "7:13 wrong-type: `name` must be a text, not a list ()\n");
}

TEST(Rule, HasANameOfItsOwnInItsRuleSet) {
  const auto text = with_rule("condition: true\naction: {debug: }\nenabled: false") +
                    "    - name: r\n      condition: true\n      action: {debug: }\n";
  EXPECT_EQ(load(text).faults(),
            "9:13 duplicate-name: Rule with name r defined multiple times (rename one of the "
            "rules; disabled ones count too)\n");
  auto other = text;
  other.replace(other.find("name: s"), 7, "name: t");
  EXPECT_EQ(load(text + other).codes(), "9:13 duplicate-name, 20:13 duplicate-name");
}

TEST(Rule, RendersItsName) {
  LoadOptions options;
  options.render = [](std::string_view text) -> Result<std::string> {
    if (text.contains("bad")) return fail(Errc::invalid_rule, "'bad' is undefined");
    return fmt::format("<{}>", text);
  };
  const auto rule = [&](std::string_view name) {
    return load(fmt::format("- name: s\n  hosts: all\n  sources: []\n  rules:\n    - name: \"{}\"\n"
                            "      condition: true\n      action: {{debug: }}\n",
                            name),
                options);
  };
  EXPECT_EQ(rule("x {{ y }}").rule().name, "<x {{ y }}>");
  EXPECT_EQ(rule("plain").rule().name, "plain");
  EXPECT_EQ(rule("{{ bad }}").faults(),
            "5:13 template: the rule's name `{{ bad }}` cannot be rendered: 'bad' is undefined "
            "()\n");
  options = {};
  EXPECT_EQ(rule("{{ y }}").codes(), "5:13 template");
}

TEST(Rule, IsCheckedAlthoughItIsDisabled) {
  EXPECT_EQ(load_rule("enabled: false\ncondition: event.i = 1\naction: {debug: }").codes(),
            "7:26 condition-syntax");
}

TEST(Rule, IsAMappingWithKnownKeys) {
  EXPECT_EQ(load("- name: s\n  hosts: all\n  sources: []\n  rules: [x]\n").codes(),
            "4:11 wrong-type");
  EXPECT_EQ(load_rule("condition: true\naction: {debug: }\nenable: true").faults(),
            "8:7 unknown-key: unknown key `enable` in a rule (did you mean `enabled`?)\n");
}

TEST(Rule, NeedsACondition) {
  EXPECT_EQ(load_rule("action: {debug: }").faults(),
            "5:7 missing-key: a rule has no `condition` ()\n");
}

// ---- conditions

TEST(RuleCondition, IsATextOrABoolean) {
  EXPECT_EQ(load_rule("condition: yes\naction: {debug: }").rule().conditions[0].text, "true");
  EXPECT_EQ(load_rule("condition: False\naction: {debug: }").rule().conditions[0].text, "false");
  for (const auto* value : {"5", "[event.a]", "", "1.5"}) {
    EXPECT_EQ(load_rule(fmt::format("condition: {}\naction: {{debug: }}", value))
                  .diagnostics.items()
                  .at(0)
                  .code,
              "wrong-type")
        << value;
  }
}

TEST(RuleCondition, IsLocatedInItsFile) {
  const auto loaded = load_rule("condition: \"event.i == 1\"\naction: {debug: }");
  EXPECT_EQ(loaded.rule().conditions[0].where, (Location{"rules.yml", 6, 19, 1}));
  EXPECT_EQ(
      load_rule("condition: >-\n  event.i == 1\n  and event.j = 2\naction: {debug: }").codes(),
      "8:21 condition-syntax");
  EXPECT_EQ(load_rule("condition:\n  all:\n    - event.a == 1\n    - 'event.b is search(\"(\")'\n"
                      "action: {debug: }")
                .codes(),
            "9:32 bad-regex");
}

TEST(RuleCondition, IsOneOfAllAnyAndNotAll) {
  const auto combine = [](std::string_view lines) {
    const auto loaded = load_rule(fmt::format("action: {{debug: }}\ncondition: {}", lines));
    return loaded.rulebook ? fmt::format("{}", static_cast<int>(loaded.rule().combine))
                           : loaded.codes();
  };
  EXPECT_EQ(combine("{all: [event.a]}"), "1");
  EXPECT_EQ(combine("{any: [event.a]}"), "2");
  EXPECT_EQ(combine("{not_all: [event.a, event.b], timeout: 5 milliseconds}"), "3");
  EXPECT_EQ(combine("{all: [event.a], any: [event.b]}"), "7:18 bad-condition");
  EXPECT_EQ(combine("{}"), "7:18 bad-condition");
  EXPECT_EQ(combine("{timeout: 5 seconds}"), "7:18 bad-condition");
  EXPECT_EQ(combine("{al: [event.a]}"), "7:19 unknown-key");
  EXPECT_EQ(combine("{all: []}"), "7:24 empty-list");
  EXPECT_EQ(combine("{all: event.a}"), "7:24 wrong-type");
  EXPECT_EQ(combine("{all: [event.a, true]}"), "7:34 wrong-type");
  EXPECT_EQ(combine("{all: [5, {a: b}]}"), "7:25 wrong-type, 7:28 wrong-type");
}

TEST(RuleCondition, TakesATimeoutWhereItMayWait) {
  const auto codes = [](std::string_view condition) {
    return load_rule(fmt::format("action: {{debug: }}\ncondition: {}", condition)).codes();
  };
  EXPECT_EQ(codes("{all: [event.a, event.b], timeout: 10 seconds}"), "");
  EXPECT_EQ(codes("{any: [event.a, event.b], timeout: 10 seconds}"), "7:53 timeout-of-any");
  EXPECT_EQ(codes("{not_all: [event.a, event.b]}"), "7:18 missing-timeout");
  EXPECT_EQ(codes("{all: [event.a], timeout: 10}"), "7:44 bad-duration");
  EXPECT_EQ(codes("{not_all: [event.a], timeout: 10 seconds}"), "7:28 never-matches");
}

TEST(RuleCondition, BindsByPositionOrAlias) {
  const auto loaded = load_rule(
      "action: {debug: }\ncondition:\n  all: [event.a == 1, events.x << event.b == 1, event.c == "
      "events.x.b]");
  ASSERT_TRUE(loaded.rulebook) << loaded.faults();
  EXPECT_EQ(loaded.rule().binding(0), "m_0");
  EXPECT_EQ(loaded.rule().binding(1), "x");
  EXPECT_EQ(loaded.rule().binding(2), "m_2");
  EXPECT_EQ(loaded.rule().conditions[2].expression.operands[1].binding, 1u);
}

TEST(RuleCondition, BindsMWhereItIsAlone) {
  const auto binding = [](std::string_view condition) {
    return load_rule(fmt::format("action: {{debug: }}\ncondition: {}", condition))
        .rule()
        .binding(0);
  };
  EXPECT_EQ(binding("event.a"), "m");
  EXPECT_EQ(binding("{all: [event.a]}"), "m");
  EXPECT_EQ(binding("{any: [event.a]}"), "m");
  EXPECT_EQ(binding("events.x << event.a"), "x");
}

TEST(RuleCondition, RefersOnlyToEarlierOnes) {
  EXPECT_EQ(load_rule("action: {debug: }\ncondition:\n  all: [event.b == events.m_1.a, event.a is "
                      "defined]")
                .codes(),
            "8:26 later-binding");
  EXPECT_EQ(
      load_rule("action: {debug: }\ncondition:\n  any: [event.a, event.b == events.m_0.a]").codes(),
      "8:35 binding-in-any");
}

TEST(RuleCondition, WarnsOfAnAliasGivenTwice) {
  const auto both = [](std::string_view key) {
    return load_rule(
        fmt::format("action: {{debug: }}\ncondition:\n  {}: [events.s << event.a == "
                    "1, events.s << event.a == 2]",
                    key));
  };
  EXPECT_EQ(both("any").codes(), "");
  EXPECT_EQ(both("all").codes(), "8:41 duplicate-alias");
  EXPECT_TRUE(both("all").rulebook);
}

TEST(RuleCondition, KnowsTheVariables) {
  const Object variables = {{"limit", 5}};
  LoadOptions options;
  options.variables = &variables;
  const auto loaded =
      load(with_rule("condition: event.i > vars.limit\naction: {debug: }"), options);
  ASSERT_TRUE(loaded.rulebook) << loaded.faults();
  EXPECT_EQ(to_text(loaded.rule().conditions[0].expression), "event.i > 5");
  EXPECT_EQ(load_rule("condition: event.i > vars.limit\naction: {debug: }").faults(),
            "6:28 unknown-variable: vars does not contain key: limit ()\n");
}

// ---- actions

TEST(RuleAction, IsWrittenAsOneOrAsAList) {
  EXPECT_EQ(load_rule("condition: true").faults(),
            "5:7 missing-key: a rule has no `action` (add `action:` with one action, or "
            "`actions:` with a list of them)\n");
  EXPECT_EQ(load_rule("condition: true\naction: {debug: }\nactions: [{debug: }]").faults(),
            "8:16 bad-action: a rule has `action` or `actions`, not both (move the action into the "
            "list)\n");
  EXPECT_EQ(load_rule("condition: true\naction: [{debug: }]").faults(),
            "7:15 wrong-type: an action must be a mapping from its name to its settings, not a "
            "list (a list of actions belongs under `actions:`)\n");
  EXPECT_EQ(load_rule("condition: true\nactions: {debug: }").codes(), "7:16 wrong-type");
}

TEST(RuleAction, MayBeMissingFromAList) {
  const auto loaded = load_rule("condition: true\nactions: []");
  ASSERT_TRUE(loaded.rulebook);
  EXPECT_TRUE(loaded.rule().actions.empty());
  EXPECT_EQ(loaded.codes(), "7:16 empty-list");
}

TEST(RuleAction, HasOneNameAndItsSettings) {
  const auto faults = [](std::string_view action) {
    return load_rule(fmt::format("condition: true\n{}", action)).faults();
  };
  EXPECT_EQ(faults("action:\n  debug:\n  msg: x"),
            "9:9 bad-action: an action has one name, not `debug` and `msg` (indent the settings of "
            "`debug` below it)\n");
  EXPECT_EQ(faults("action:\n  debug: {}\n  none: {}"),
            "9:9 bad-action: an action has one name, not `debug` and `none` (several actions are a "
            "list under `actions:`)\n");
  EXPECT_EQ(faults("action: {}"),
            "7:15 bad-action: an action needs a name (write debug: for example)\n");
  EXPECT_EQ(faults("action: debug"),
            "7:15 wrong-type: an action must be a mapping from its name to its settings, not the "
            "text \"debug\" (write debug: with a colon)\n");
  EXPECT_EQ(faults("action: {debug: hello}"),
            "7:23 wrong-type: the settings of action `debug` must be a mapping or nothing, not the "
            "text \"hello\" ()\n");
  EXPECT_EQ(faults("action: {no_such_action: {x: 1}}"), "");  // the registry knows better
}

// ---- throttles

Loaded load_throttle(std::string_view throttle, std::string_view condition = "event.a") {
  return load_rule(
      fmt::format("action: {{debug: }}\ncondition: {}\nthrottle: {}", condition, throttle));
}

TEST(RuleThrottle, HasThreeShapes) {
  const auto once_within = load_throttle(
      "{once_within: 5 minutes, group_by_attributes: [event.meta.hosts, i, "
      "'facts[\"a b\"]', eventual]}");
  ASSERT_TRUE(once_within.rulebook) << once_within.faults();
  const auto& throttle = *once_within.rule().throttle;
  EXPECT_EQ(throttle.kind, Throttle::Kind::once_within);
  EXPECT_EQ(throttle.window.length, 5min);
  ASSERT_EQ(throttle.group_by.size(), 4u);
  EXPECT_EQ(throttle.group_by[0].to_string(), "meta.hosts");
  EXPECT_EQ(throttle.group_by[1].to_string(), "i");
  EXPECT_EQ(throttle.group_by[2].to_string(), "[\"a b\"]");
  EXPECT_EQ(throttle.group_by[3].to_string(), "eventual");

  const auto once_after =
      load_throttle("{once_after: 500 milliseconds, group_by_attributes: [event.a]}");
  EXPECT_EQ(once_after.rule().throttle->kind, Throttle::Kind::once_after);
  EXPECT_EQ(once_after.rule().throttle->window.length, 500ms);

  const auto accumulate =
      load_throttle("{accumulate_within: 1 day, threshold: 3, group_by_attributes: [event.a]}");
  EXPECT_EQ(accumulate.rule().throttle->kind, Throttle::Kind::accumulate_within);
  EXPECT_EQ(accumulate.rule().throttle->threshold, 3);
}

TEST(RuleThrottle, MixesNoShapes) {
  const auto codes = [](std::string_view throttle) { return load_throttle(throttle).codes(); };
  EXPECT_EQ(codes("{group_by_attributes: [event.a]}"), "8:17 bad-throttle");
  EXPECT_EQ(codes("{once_within: 1 day, once_after: 1 day, group_by_attributes: [event.a]}"),
            "8:17 bad-throttle");
  EXPECT_EQ(codes("{once_within: 1 day, threshold: 3, group_by_attributes: [event.a]}"),
            "8:49 bad-throttle");
  EXPECT_EQ(codes("{accumulate_within: 1 day, group_by_attributes: [event.a]}"),
            "8:17 missing-key");
  EXPECT_EQ(codes("{once_within: 1 day}"), "8:17 missing-key");
  EXPECT_EQ(codes("{once_within: 1 day, group_by_attribute: [event.a]}"),
            "8:17 missing-key, 8:38 unknown-key");
  EXPECT_EQ(codes("5"), "8:17 wrong-type");
}

TEST(RuleThrottle, ChecksItsValues) {
  const auto codes = [](std::string_view throttle) { return load_throttle(throttle).codes(); };
  EXPECT_EQ(codes("{once_within: 1 week, group_by_attributes: [event.a]}"), "8:31 bad-duration");
  EXPECT_EQ(codes("{once_within: 1 day, group_by_attributes: event.a}"), "8:59 wrong-type");
  EXPECT_EQ(codes("{once_within: 1 day, group_by_attributes: [5, event, a..b]}"),
            "8:60 wrong-type, 8:63 bad-path, 8:70 bad-path");
  EXPECT_EQ(codes("{once_within: 1 day, group_by_attributes: []}"), "8:17 empty-list");
  for (const auto* threshold : {"0", "-1", "1.5", "'3'", "many", "[3]"}) {
    EXPECT_EQ(codes(fmt::format(
                  "{{accumulate_within: 1 day, group_by_attributes: [event.a], threshold: {}}}",
                  threshold)),
              "8:87 wrong-type");
  }
}

TEST(RuleThrottle, IsTheOnlyTimeConstraintOfItsRule) {
  const auto loaded = load_throttle("{once_within: 1 day, group_by_attributes: [event.a]}",
                                    "{all: [event.a], timeout: 1 day}");
  EXPECT_EQ(loaded.faults(),
            "8:17 time-constraints: Cannot add more than one time constraint to the same rule "
            "(keep either `throttle` or the condition's `timeout`)\n");
}

TEST(RuleThrottle, BelongsToARuleWithOneCondition) {
  constexpr std::string_view kOnce = "{once_within: 1 day, group_by_attributes: [event.a]}";
  EXPECT_EQ(load_throttle(kOnce, "{all: [event.a]}").codes(), "");
  for (const auto* condition : {"{all: [event.a, event.b]}", "{any: [event.a, event.b]}"}) {
    const auto loaded = load_throttle(kOnce, condition);
    EXPECT_EQ(loaded.codes(), "8:17 throttle-of-several");
    EXPECT_EQ(loaded.diagnostics.items()[0].message,
              "once_within is only allowed with a single event");
  }
  EXPECT_EQ(load_throttle("{once_after: 1 day, group_by_attributes: [event.a]}",
                          "{all: [event.a, event.b]}")
                .diagnostics.items()
                .at(0)
                .message,
            "Cannot process this TimeConstraint twice: once_after is only allowed with a single "
            "event");
}

}  // namespace
}  // namespace millrace::rules
