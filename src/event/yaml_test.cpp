// SPDX-License-Identifier: Apache-2.0
#include "millrace/event/yaml.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "millrace/event/json.hpp"

namespace millrace {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// The diagnostics, one a line: "error 2:1 code: message".
std::string listed(const Diagnostics& diagnostics) {
  std::string out;
  for (const auto& item : diagnostics.items()) {
    out += fmt::format("{}{} {}:{} {}: {}", out.empty() ? "" : "\n",
                       item.severity == Severity::error ? "error" : "warning", item.where.line,
                       item.where.column, item.code, item.message);
  }
  return out;
}

std::unique_ptr<YamlNode> read(std::string_view text) {
  Diagnostics diagnostics;
  auto node = parse_yaml(text, "rules.yml", diagnostics);
  EXPECT_TRUE(node) << text << "\n" << listed(diagnostics);
  return node ? std::move(node) : std::make_unique<YamlNode>();
}

std::string json(std::string_view text) { return to_json(to_value(*read(text))); }

std::string faults(std::string_view text, const YamlLimits& limits = {}) {
  Diagnostics diagnostics;
  const auto node = parse_yaml(text, "rules.yml", diagnostics, limits);
  EXPECT_EQ(node == nullptr, diagnostics.has_errors());
  for (const auto& item : diagnostics.items()) EXPECT_EQ(item.where.file, "rules.yml");
  return listed(diagnostics);
}

struct Case {
  std::string_view yaml;
  std::string_view json;
};

TEST(Yaml, TypesScalarsAsPyYamlDoes) {
  const std::vector<Case> cases = {
      {"~", "null"},
      {"null", "null"},
      {"Null", "null"},
      {"NULL", "null"},
      {"nULL", R"("nULL")"},
      {"yes", "true"},
      {"Yes", "true"},
      {"YES", "true"},
      {"yES", R"("yES")"},
      {"no", "false"},
      {"on", "true"},
      {"On", "true"},
      {"OFF", "false"},
      {"true", "true"},
      {"False", "false"},
      {"tRUE", R"("tRUE")"},
      {"y", R"("y")"},
      {"n", R"("n")"},
      {"0", "0"},
      {"-0", "0"},
      {"+12", "12"},
      {"1_000", "1000"},
      {"0b1010", "10"},
      {"-0b11", "-3"},
      {"010", "8"},
      {"0_7", "7"},
      {"00", "0"},
      {"08", R"("08")"},
      {"0o10", R"("0o10")"},
      {"0x1F", "31"},
      {"0x_ff", "255"},
      {"0xg", R"("0xg")"},
      {"0X1F", R"("0X1F")"},
      {"0b_", R"("0b_")"},
      {"190:20:30", "685230"},
      {"-1:30", "-90"},
      {"1:60", R"("1:60")"},
      {"0:30", R"("0:30")"},
      {"12:30:45", "45045"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"18446744073709551616", "18446744073709551616.0"},
      {"0x10000000000000000", "18446744073709551616.0"},
      {"1.5", "1.5"},
      {"1.", "1.0"},
      {".5", "0.5"},
      {"-.5", R"("-.5")"},
      {"-1.5", "-1.5"},
      {"1e3", R"("1e3")"},
      {"1.0e3", R"("1.0e3")"},
      {"1.0e+3", "1000.0"},
      {"1.5E-3", "0.0015"},
      {"1_0.5_0", "10.5"},
      {"190:20:30.15", "685230.15"},
      {"1.2.3", R"("1.2.3")"},
      {"127.0.0.1", R"("127.0.0.1")"},
      {"-", R"([null])"},
      {"+", R"("+")"},
      {".", R"(".")"},
      {"2001-12-14", R"("2001-12-14")"},
      {"2001-12-14t21:59:43.10-05:00", R"("2001-12-14t21:59:43.10-05:00")"},
      {"=", R"("=")"},
      {"<<", R"("<<")"},
      {"a b", R"("a b")"},
      {"'5'", R"("5")"},
      {"\"yes\"", R"("yes")"},
      {"''", R"("")"},
      {"|\n 5\n", R"("5\n")"},
      {">-\n 5\n", R"("5")"}};
  for (const auto& [yaml, expected] : cases) EXPECT_EQ(json(yaml), expected) << yaml;
}

TEST(Yaml, TypesInfinityAndNotANumber) {
  EXPECT_EQ(read(".inf")->scalar.as_double(), INFINITY);
  EXPECT_EQ(read("-.INF")->scalar.as_double(), -INFINITY);
  EXPECT_TRUE(std::isnan(read(".NaN")->scalar.as_double()));
  EXPECT_TRUE(read("-.nan")->is_string());
  EXPECT_EQ(read("1.0e+400")->scalar.as_double(), INFINITY);
  EXPECT_EQ(read("1.0e-400")->scalar.as_double(), 0.0);
}

TEST(Yaml, ExplicitTagsOverruleTheText) {
  const std::vector<Case> cases = {
      {"!!str 5", R"("5")"},
      {"- !!str", R"([""])"},
      {"!!str ~", R"("~")"},
      {"!!int '5'", "5"},
      {"!!int \"0x10\"", "16"},
      {"!!float 1", "1.0"},
      {"!!float 1e3", "1000.0"},
      {"!!bool 'Yes'", "true"},
      {"!!null x", "null"},
      {"!!seq [1]", "[1]"},
      {"!!map {a: 1}", R"({"a":1})"},
      {"!<tag:yaml.org,2002:str> 5", R"("5")"},
      {"! 5", "5"},
      {"!vault |\n  $ANSIBLE_VAULT;1.1\n  61\n", R"("$ANSIBLE_VAULT;1.1\n61\n")"},
      {"!vault 5", R"("5")"}};
  for (const auto& [yaml, expected] : cases) EXPECT_EQ(json(yaml), expected) << yaml;
}

TEST(Yaml, RefusesTagsThatDoNotFit) {
  EXPECT_EQ(faults("a: !!int x"), "error 1:4 invalid-scalar: `x` is not an integer");
  EXPECT_EQ(faults("a: !!float x"), "error 1:4 invalid-scalar: `x` is not a floating point number");
  EXPECT_EQ(faults("a: !!bool 1"), "error 1:4 invalid-scalar: `1` is not a boolean");
  EXPECT_EQ(faults("a: !!seq {b: 1}"),
            "error 1:4 misplaced-tag: the tag `!!seq` does not fit a mapping");
  EXPECT_EQ(faults("!!map x"), "error 1:1 misplaced-tag: the tag `!!map` does not fit a scalar");
}

TEST(Yaml, NamesEveryUnknownTagAtOnce) {
  EXPECT_EQ(
      faults("a: !env HOME\nb: !!omap []\nc: !!python/object:x {}"),
      "error 1:4 unknown-tag: unknown tag `!env`\nerror 2:4 unknown-tag: unknown tag `!!omap`\n"
      "error 3:4 unknown-tag: unknown tag `!!python/object:x`");
}

TEST(Yaml, ReadsEmptyTextAsNull) {
  for (const std::string_view text :
       {"", "\n\n", "# only a comment", "---\n", "--- # nothing\n...\n"})
    EXPECT_EQ(json(text), "null") << text;
}

TEST(Yaml, ReadsBlockScalars) {
  EXPECT_EQ(json("a: |\n  x\n   y\n\n  z\n"), R"({"a":"x\n y\n\nz\n"})");
  EXPECT_EQ(json("a: >-\n  x\n  y\n\n  z\n"), R"({"a":"x y\nz"})");
  EXPECT_EQ(json("a: |+\n  x\n\n"), R"({"a":"x\n\n"})");
  EXPECT_EQ(json("a: |2\n   x\n"), R"({"a":" x\n"})");
}

TEST(Yaml, ReadsEscapes) {
  EXPECT_EQ(json(R"("\x41\u00e9\U0001F600\t\N\_\L\0")"),
            "\"A\u00e9\U0001F600\\t\u0085\u00a0\u2028\\u0000\"");
  EXPECT_EQ(json("'it''s \\n'"), R"("it's \\n")");
}

TEST(Yaml, KeysKeepTheirWrittenText) {
  const auto node = read("1: a\nyes: b\n~: c\n1.50: d\n'': e\n");
  EXPECT_EQ(to_json(to_value(*node)), R"({"1":"a","yes":"b","~":"c","1.50":"d","":"e"})");
  ASSERT_NE(node->find("yes"), nullptr);
  EXPECT_EQ(node->find("yes")->text, "b");
  EXPECT_EQ(node->entries[1].key.scalar, Value(true));
  EXPECT_EQ(node->find("no"), nullptr);
}

TEST(Yaml, MergesMappingsAsPyYamlDoes) {
  EXPECT_EQ(json("a: &a {x: 1, y: 2}\nb:\n  y: 3\n  <<: *a\n  z: 4\n"),
            R"({"a":{"x":1,"y":2},"b":{"x":1,"y":3,"z":4}})");
  EXPECT_EQ(json("- &a {x: 1, y: 1}\n- &b {x: 2, z: 2}\n- <<: [*a, *b]\n  w: 3\n"),
            R"([{"x":1,"y":1},{"x":2,"z":2},{"x":1,"z":2,"y":1,"w":3}])");
  EXPECT_EQ(json("- &a {x: 1}\n- &b {<<: *a, y: 2}\n- <<: *b\n  <<: {y: 5}\n"),
            R"([{"x":1},{"x":1,"y":2},{"x":1,"y":5}])");
  EXPECT_EQ(json("'<<': {a: 1}"), R"({"<<":{"a":1}})");
}

TEST(Yaml, RefusesToMergeWhatIsNoMapping) {
  EXPECT_EQ(faults("a: 1\n<<: 5"), "error 2:5 invalid-merge: `<<` merges mappings only");
  EXPECT_EQ(faults("<<: [{a: 1}, b]"), "error 1:14 invalid-merge: `<<` merges mappings only");
}

TEST(Yaml, WarnsOfDuplicateKeysAndLetsTheLastCount) {
  Diagnostics diagnostics;
  const auto node = parse_yaml("a: 1\nb: 2\na: 3\n", "rules.yml", diagnostics);
  ASSERT_TRUE(node);
  EXPECT_EQ(to_json(to_value(*node)), R"({"a":3,"b":2})");
  EXPECT_EQ(listed(diagnostics),
            "warning 3:1 duplicate-key: key `a` again; the value at line 1 is ignored");
}

TEST(Yaml, ExpandsAliases) {
  EXPECT_EQ(json("a: &x [1, {b: 2}]\nc: *x\nd: &x 5\ne: *x\n"),
            R"({"a":[1,{"b":2}],"c":[1,{"b":2}],"d":5,"e":5})");
  EXPECT_EQ(json("&k key: *k\n*k : again\n"), R"({"key":"again"})");
  EXPECT_EQ(json("a: &x\nb: *x\n"), R"({"a":null,"b":null})");
}

TEST(Yaml, RefusesAliasesOfNothingAndOfThemselves) {
  EXPECT_EQ(faults("a: 1\nb: *nowhere\n"),
            "error 2:4 undefined-alias: alias `*nowhere` stands for nothing known");
  EXPECT_EQ(faults("a: &x [*x]"),
            "error 1:8 recursive-alias: an alias within the node that it stands for");
}

TEST(Yaml, RefusesExplodingAliasesWithOneError) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    text += fmt::format(
        "a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i,
        i - 1);
  }
  EXPECT_TRUE(faults(text).starts_with("error 6:")) << faults(text);
  EXPECT_EQ(faults(text, {.nodes = 100}),
            "error 2:45 yaml-limit: more than 100 nodes or 16777216 bytes, aliases expanded");
}

TEST(Yaml, RefusesALongTextThatAliasesMultiply) {
  const auto text =
      "a: &a " + std::string(1'000'000, 'x') + "\nb: [" + repeated("*a, ", 1000) + "]";
  EXPECT_TRUE(faults(text).starts_with("error 2:69 yaml-limit:")) << faults(text);
}

TEST(Yaml, BoundsTheNodesExactly) {
  EXPECT_EQ(faults("[a, b, c]", {.nodes = 4}), "");
  EXPECT_EQ(faults("[a, b, c]", {.nodes = 3}),
            "error 1:1 yaml-limit: more than 3 nodes or 16777216 bytes, aliases expanded");
}

TEST(Yaml, BoundsTheDepthExactly) {
  EXPECT_EQ(faults("a: [[1]]", {.depth = 3}), "");
  EXPECT_EQ(faults("a: [[[1]]]", {.depth = 3}),
            "error 1:6 yaml-limit: nested deeper than 3 levels");
  EXPECT_EQ(faults("- - - - 1", {.depth = 3}), "error 1:7 yaml-limit: nested deeper than 3 levels");
  EXPECT_EQ(faults("a: &a [[1]]\nb: [*a]", {.depth = 3}),
            "error 2:5 yaml-limit: nested deeper than 3 levels");
}

TEST(Yaml, SurvivesVeryDeepNesting) {
  for (const std::string_view piece : {"[", "{", "- ", "? ", "[a, ", "{a: "}) {
    const auto text = repeated(piece, 100'000);
    EXPECT_TRUE(faults(text).ends_with("nested deeper than 128 levels")) << piece;
    EXPECT_TRUE(faults(text, {.depth = 1'000'000}).ends_with("nested too deep")) << piece;
  }
  EXPECT_NE(faults(repeated(": ", 100'000)), "");
}

TEST(Yaml, ReportsABoundedNumberOfFaults) {
  Diagnostics diagnostics;
  EXPECT_FALSE(parse_yaml(repeated("- !x y\n", 10'000), "rules.yml", diagnostics));
  EXPECT_EQ(diagnostics.items().size(), 100u);
  Diagnostics warnings;
  EXPECT_TRUE(parse_yaml(repeated("a: 1\n", 10'000), "rules.yml", warnings));
  EXPECT_EQ(warnings.items().size(), 100u);
}

TEST(Yaml, BoundsTheBytesExactly) {
  EXPECT_EQ(faults("a: 1", {.bytes = 4}), "");
  EXPECT_EQ(faults("a: 12", {.bytes = 4}),
            "error 0:0 yaml-limit: 5 bytes are more than the 4 allowed");
}

TEST(Yaml, SaysWhereASyntaxErrorIs) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"a: b: c", "error 1:5 yaml-syntax: unexpected `:`"},
      {"a: 1\n b: 2", "error 2:3 yaml-syntax: unexpected `:`"},
      {"a:\n\tb: 1", "error 2:1 yaml-syntax: a tab in the indentation"},
      {"a:\n  b: 1\n\tc: 2", "error 3:1 yaml-syntax: a tab in the indentation"},
      {"a: [1, 2\nb: 3", "error 2:2 yaml-syntax: expected `,` or `]`"},
      {"a: 1\nb: [1, 2\n", "error 2:4 yaml-syntax: `[` is not closed"},
      {"a: {b: 1", "error 1:4 yaml-syntax: `{` is not closed"},
      {"a: ]", "error 1:4 yaml-syntax: this bracket closes nothing"},
      {"a: [b,, c]", "error 1:7 yaml-syntax: something is missing before this comma"},
      {"a: 'x' y", "error 1:8 yaml-syntax: this does not fit into the mapping around it"},
      {"- - 1\n - 2", "error 2:2 yaml-syntax: this does not fit into the list around it"},
      {"a: @x", "error 1:4 yaml-syntax: a text cannot begin with `@`"},
      {"a: - b", "error 1:4 yaml-syntax: a list item cannot begin here"},
      {"a: 1\n: 2", "error 2:1 yaml-syntax: a key is missing before this `:`"},
      {"a: 1\nb\n", "error 2:1 yaml-syntax: a key without `:` behind it"},
      {"a: \"\\q\"", "error 1:7 yaml-syntax: unknown escape `\\q`"},
      {"a: \"\\xZZ\"", "error 1:9 yaml-syntax: an escape lacks hexadecimal digits"},
      {"[1] 2", "error 1:5 yaml-syntax: unexpected text behind the end of the document"},
      {"%x",
       "error 1:1 yaml-syntax: a line that begins with `%` is a directive; `---` must follow it"},
      {"a: b\n%c",
       "error 2:1 yaml-syntax: a line that begins with `%` is a directive; `---` must follow it"},
      {"[a]: b", "error 1:1 invalid-key: a list or a mapping cannot be a key"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(faults(text), expected) << text;
}

TEST(Yaml, SaysWhereAQuoteIsNotClosed) {
  EXPECT_EQ(faults("a: 'x"), "error 1:4 yaml-syntax: the quote is not closed");
  EXPECT_EQ(faults("# don't\na: it's\nb: \"x\nc: 1\n"),
            "error 3:4 yaml-syntax: the quote is not closed");
  EXPECT_EQ(faults("a: ['x', 'y', 'z]"), "error 1:15 yaml-syntax: the quote is not closed");
}

TEST(Yaml, ExplainsATemplateWithoutQuotes) {
  Diagnostics diagnostics;
  EXPECT_FALSE(parse_yaml("a: {{ event.x }} and more\n", "rules.yml", diagnostics));
  ASSERT_EQ(diagnostics.items().size(), 1u);
  const auto& item = diagnostics.items()[0];
  EXPECT_EQ(item.where, (Location{"rules.yml", 1, 4, 13}));
  EXPECT_EQ(item.code, "unquoted-template");
  EXPECT_EQ(item.hint, "quote the whole text: \"{{ … }}\"");
}

TEST(Yaml, EverySyntaxErrorOfUseHasAHint) {
  for (const std::string_view text : {"a: b: c", "a:\n\tb: 1", "a: @x", "a: - b", "a: 'x", "a: *b",
                                      "a: !x y", "\xff", "a: 1\nb\n"}) {
    Diagnostics diagnostics;
    EXPECT_FALSE(parse_yaml(text, "rules.yml", diagnostics));
    ASSERT_EQ(diagnostics.items().size(), 1u) << text;
    EXPECT_NE(diagnostics.items()[0].hint, "") << text;
  }
}

TEST(Yaml, RefusesASecondDocument) {
  EXPECT_EQ(faults("a: 1\n---\nb: 2\n"), "error 2:1 yaml-document: a second document");
  EXPECT_EQ(faults("---\n---\n"), "error 2:1 yaml-document: a second document");
  EXPECT_EQ(faults("--- a\n...\n"), "");
}

TEST(Yaml, RefusesCharactersThatYamlDoesNotAllow) {
  EXPECT_EQ(faults("a: 1\nb: x\xff"), "error 2:5 yaml-encoding: invalid UTF-8");
  EXPECT_EQ(faults("a: \xed\xa0\x80"), "error 1:4 yaml-encoding: invalid UTF-8");
  EXPECT_EQ(faults(std::string_view("a: 1\n\0b", 7)),
            "error 2:1 yaml-encoding: the character U+0000 is not allowed");
  EXPECT_EQ(faults("a: \x04"), "error 1:4 yaml-encoding: the character U+0004 is not allowed");
}

TEST(Yaml, TakesEveryLineEndAndAByteOrderMark) {
  EXPECT_EQ(json("a: 1\r\nb: 2\rc: 3\n"), R"({"a":1,"b":2,"c":3})");
  EXPECT_EQ(json("\xEF\xBB\xBF"
                 "a: 1"),
            R"({"a":1})");
  EXPECT_EQ(faults("\xEF\xBB\xBF"
                   "a: *b"),
            "error 1:4 undefined-alias: alias `*b` stands for nothing known");
}

TEST(Yaml, GivesEveryNodeItsPlace) {
  const auto node = read(
      "- name: 'a b'  # comment\n  list: [1, xyz]\n  none:\n  text: |\n    x\n  é: &k !!str 5\n");
  const auto& item = node->items[0];
  const auto place = [](const YamlNode& at) {
    return fmt::format("{}:{}+{}", at.where.line, at.where.column, at.where.length);
  };
  EXPECT_EQ(place(*node), "1:1+1");
  EXPECT_EQ(place(item), "1:3+1");
  EXPECT_EQ(place(item.entries[0].key), "1:3+4");
  EXPECT_EQ(place(*item.find("name")), "1:9+5");
  EXPECT_EQ(place(item.find("list")->items[1]), "2:13+3");
  EXPECT_EQ(place(*item.find("none")), "3:7+1");
  EXPECT_EQ(place(*item.find("text")), "4:9+1");
  EXPECT_EQ(place(*item.find("é")), "6:7+10");
  EXPECT_EQ(item.find("name")->where.file, "rules.yml");
}

TEST(Yaml, TellsTheStyleOfScalars) {
  const auto node = read("[plain, 'single', \"double\", !!str plain, !!str 'single', null, ~]");
  const auto style = [&](std::size_t i) { return node->items[i].style; };
  for (const std::size_t i : {0, 3, 5, 6}) EXPECT_EQ(style(i), YamlNode::Style::plain) << i;
  for (const std::size_t i : {1, 2, 4}) EXPECT_EQ(style(i), YamlNode::Style::quoted) << i;
  EXPECT_EQ(node->items[5].text, "null");
  EXPECT_EQ(node->items[6].text, "~");
  EXPECT_EQ(read("a: >\n  x\n")->find("a")->style, YamlNode::Style::block);
}

TEST(Yaml, AMissingValueBeforeAKeyCalledNullIsEmpty) {
  const auto node = read("a:\nnull: 1\n");
  EXPECT_EQ(node->find("a")->text, "");
  ASSERT_NE(node->find("null"), nullptr);
}

TEST(Yaml, ReadsJson) {
  constexpr std::string_view kText = R"({"a":[1,1.5,true,null,"x\n"],"b":{"c":{}},"d":-1})";
  EXPECT_EQ(json(kText), kText);
}

TEST(Yaml, DataFilesFailWithTheFirstErrorAndItsPlace) {
  EXPECT_EQ(to_json(parse_yaml_value("a: [1, x]", "vars.yml").value()), R"({"a":[1,"x"]})");
  const auto value = parse_yaml_value("a: 1\na: 2\nb: !x 3\n", "vars.yml");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code(), Errc::invalid_settings);
  EXPECT_EQ(value.error().message(), "vars.yml:3:4: unknown tag `!x`");
}

}  // namespace
}  // namespace millrace
