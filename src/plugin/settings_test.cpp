// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/settings.hpp"

#include <gtest/gtest.h>

#include "millrace/event/json.hpp"

namespace millrace {
namespace {

using namespace std::chrono_literals;

SettingsSchema one(Setting setting, Unknown unknown = Unknown::error) {
  return {{std::move(setting)}, unknown};
}

SettingsSchema one(SettingType type) { return one(Setting("x", type, "what it is for")); }

Object json(std::string_view text) { return parse_json(text).value().get_object(); }

// The kept value as JSON, or the fault.
std::string checked(const SettingsSchema& schema, std::string_view given) {
  const auto settings = Settings::check(schema, json(given));
  return settings ? to_json(settings->value("x")) : settings.error().message();
}

TEST(Settings, NamesEveryFaultAtOnce) {
  const SettingsSchema schema{
      {Setting("port", SettingType::integer, "where to listen").required(),
       Setting("every", SettingType::seconds, "the period").by_default(60).at_least(10),
       Setting("color", SettingType::string, "the paint")}};

  const auto settings = Settings::check(schema, json(R"({"colour": "red", "every": 1})"));

  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code(), Errc::invalid_settings);
  EXPECT_EQ(settings.error().message(),
            "port is required; every must be at least 10; "
            "colour is not a known setting (did you mean `color`?)");
}

TEST(Settings, TakeNumbersAndBooleansAsTheirText) {
  const auto schema = one(SettingType::string);

  EXPECT_EQ(checked(schema, R"({"x": "a"})"), R"("a")");
  EXPECT_EQ(checked(schema, R"({"x": 10})"), R"("10")");
  EXPECT_EQ(checked(schema, R"({"x": 1.5})"), R"("1.5")");
  EXPECT_EQ(checked(schema, R"({"x": true})"), R"("true")");
  EXPECT_EQ(checked(schema, R"({"x": []})"), "x must be a string, not a list");
  EXPECT_EQ(checked(schema, R"({"x": null})"), "x must be a string, not null");
}

TEST(Settings, TakeIntegersFromTextsAndCutFractions) {
  const auto schema = one(SettingType::integer);

  EXPECT_EQ(checked(schema, R"({"x": -3})"), "-3");
  EXPECT_EQ(checked(schema, R"({"x": "10"})"), "10");
  EXPECT_EQ(checked(schema, R"({"x": " +7 "})"), "7");
  EXPECT_EQ(checked(schema, R"({"x": 2.7})"), "2");
  EXPECT_EQ(checked(schema, R"({"x": -2.7})"), "-2");
  EXPECT_EQ(checked(schema, R"({"x": "2.7"})"), "x must be an integer, not `2.7`");
  EXPECT_EQ(checked(schema, R"({"x": "+-2"})"), "x must be an integer, not `+-2`");
  EXPECT_EQ(checked(schema, R"({"x": true})"), "x must be an integer, not true");
  EXPECT_EQ(checked(schema, R"({"x": ""})"), "x must be an integer, not ``");
}

TEST(Settings, RefuseIntegersBeyond64Bits) {
  const auto schema = one(SettingType::integer);

  EXPECT_EQ(checked(schema, R"({"x": 9223372036854775807})"), "9223372036854775807");
  EXPECT_EQ(checked(schema, R"({"x": 9223372036854775808})"),
            "x must be an integer, not 9223372036854775808");
  EXPECT_EQ(checked(schema, R"({"x": 1e300})"), "x must be an integer, not 1e+300");
  EXPECT_TRUE(Settings::check(schema, {{"x", Value(std::uint64_t{7})}}));
}

TEST(Settings, TakeNumbersFromTexts) {
  const auto schema = one(SettingType::number);

  EXPECT_EQ(checked(schema, R"({"x": 2})"), "2.0");
  EXPECT_EQ(checked(schema, R"({"x": " 0.5"})"), "0.5");
  EXPECT_EQ(checked(schema, R"({"x": "much"})"), "x must be a number, not `much`");
  EXPECT_EQ(checked(schema, R"({"x": "inf"})"), "x must be a number, not `inf`");
}

TEST(Settings, TakeTheWordsOfYamlAsBooleans) {
  const auto schema = one(SettingType::boolean);

  EXPECT_EQ(checked(schema, R"({"x": true})"), "true");
  EXPECT_EQ(checked(schema, R"({"x": "True"})"), "true");
  EXPECT_EQ(checked(schema, R"({"x": "off"})"), "false");
  EXPECT_EQ(checked(schema, R"({"x": 0})"), "false");
  EXPECT_EQ(checked(schema, R"({"x": 2})"), "x must be true or false, not 2");
  EXPECT_EQ(checked(schema, R"({"x": "maybe"})"), "x must be true or false, not `maybe`");
}

TEST(Settings, GiveSecondsAsADuration) {
  const auto schema = one(SettingType::seconds);

  EXPECT_EQ(Settings::check(schema, json(R"({"x": 1.5})"))->seconds("x"), 1500ms);
  EXPECT_EQ(Settings::check(schema, json(R"({"x": "2"})"))->seconds("x"), 2s);
  EXPECT_EQ(checked(schema, R"({"x": 1e12})"), "x must be at most 9000000000");
  EXPECT_EQ(checked(schema, R"({"x": "soon"})"), "x must be a number of seconds, not `soon`");
}

TEST(Settings, TakeOneStringAsAListOfOne) {
  const auto schema = one(SettingType::strings);

  EXPECT_EQ(checked(schema, R"({"x": "a"})"), R"(["a"])");
  EXPECT_EQ(checked(schema, R"({"x": ["a", 1, false]})"), R"(["a","1","false"])");
  EXPECT_EQ(checked(schema, R"({"x": []})"), "[]");
  EXPECT_EQ(checked(schema, R"({"x": ["a", {}]})"), "x[1] must be a string, not a mapping");
  EXPECT_EQ(checked(schema, R"({"x": {}})"), "x must be a list of strings, not a mapping");
  EXPECT_EQ(Settings::check(schema, json(R"({"x": ["a", "b"]})"))->strings("x"),
            (std::vector<std::string>{"a", "b"}));
}

TEST(Settings, TakeListsMappingsAndAnythingAsTheyAre) {
  EXPECT_EQ(checked(one(SettingType::list), R"({"x": [1, {}]})"), "[1,{}]");
  EXPECT_EQ(checked(one(SettingType::list), R"({"x": "a"})"), "x must be a list, not `a`");
  EXPECT_EQ(checked(one(SettingType::object), R"({"x": {"a": 1}})"), R"({"a":1})");
  EXPECT_EQ(checked(one(SettingType::object), R"({"x": 3})"), "x must be a mapping, not 3");
  EXPECT_EQ(checked(one(SettingType::any), R"({"x": null})"), "null");
  EXPECT_EQ(checked(one(SettingType::any), R"({"x": [null]})"), "[null]");
}

TEST(Settings, KeepNumbersWithinTheirBounds) {
  const auto schema = one(Setting("x", SettingType::integer, "").at_least(1).at_most(65535));

  EXPECT_EQ(checked(schema, R"({"x": 1})"), "1");
  EXPECT_EQ(checked(schema, R"({"x": "0"})"), "x must be at least 1");
  EXPECT_EQ(checked(schema, R"({"x": 65536})"), "x must be at most 65535");
  EXPECT_EQ(checked(one(Setting("x", SettingType::number, "").at_least(0.25)), R"({"x": 0.1})"),
            "x must be at least 0.25");
}

TEST(Settings, KeepToTheChoices) {
  const auto schema = one(Setting("x", SettingType::string, "").one_of({"hex", "base64"}));

  EXPECT_EQ(checked(schema, R"({"x": "hex"})"), R"("hex")");
  EXPECT_EQ(checked(schema, R"({"x": "base46"})"),
            "x must be one of hex, base64, not `base46` (did you mean `base64`?)");
  EXPECT_EQ(checked(one(Setting("x", SettingType::strings, "").one_of({"a", "b"})),
                    R"({"x": ["a", "c"]})"),
            "x must be one of a, b, not `c` (did you mean `a`?)");
}

TEST(Settings, NeverRepeatASecret) {
  const auto number = one(Setting("x", SettingType::integer, "").secret());
  const auto choice = one(Setting("x", SettingType::string, "").one_of({"a"}).secret());

  EXPECT_EQ(checked(number, R"({"x": "s3cret"})"), "x must be an integer, not this text");
  EXPECT_EQ(checked(choice, R"({"x": "s3cret"})"), "x must be one of a, not this text");
}

TEST(Settings, ShowOnlyTheStartOfALongText) {
  const auto fault =
      checked(one(SettingType::integer), R"({"x": ")" + std::string(500, 'a') + "\"}");

  EXPECT_EQ(fault, "x must be an integer, not `" + std::string(40, 'a') + "…`");
}

TEST(Settings, FillInDefaultsInTheirType) {
  const SettingsSchema schema{{Setting("text", SettingType::string, "").by_default("t"),
                               Setting("wait", SettingType::seconds, "").by_default(2),
                               Setting("names", SettingType::strings, "").by_default("one"),
                               Setting("off", SettingType::integer, "").by_default(0).at_least(1),
                               Setting("none", SettingType::string, "")}};

  const auto settings = Settings::check(schema, {});

  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->string("text"), "t");
  EXPECT_EQ(settings->seconds("wait"), 2s);
  EXPECT_EQ(settings->strings("names"), std::vector<std::string>{"one"});
  EXPECT_EQ(settings->integer("off"), 0);
  EXPECT_TRUE(settings->has("text"));
  EXPECT_FALSE(settings->has("none"));
}

TEST(Settings, TakeNullAsNotGivenWhereThatIsAllowed) {
  const auto defaulted = one(Setting("x", SettingType::string, "").by_default("d").nullable());
  const auto needed = one(Setting("x", SettingType::string, "").required().nullable());

  EXPECT_EQ(checked(defaulted, R"({"x": null})"), R"("d")");
  EXPECT_EQ(checked(needed, R"({"x": null})"), "x is required");
}

TEST(Settings, KeepsWhatNobodyDeclaredWhereTheSchemaAcceptsIt) {
  const auto schema = one(Setting("x", SettingType::integer, "").by_default(1), Unknown::accept);

  const auto settings = Settings::check(schema, {{"y", {1, "two"}}, {"z", nullptr}});

  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(Value(settings->all()), Value({{"x", 1}, {"y", {1, "two"}}, {"z", nullptr}}));
}

TEST(Settings, PassUnknownOnesOverWhereTheyAreOnlyWorthAWarning) {
  const auto schema = one(Setting("x", SettingType::integer, "").by_default(1), Unknown::warning);

  EXPECT_EQ(checked(schema, R"({"y": 1})"), "1");
}

TEST(Settings, ReadEachTypeByItsAccessor) {
  const SettingsSchema schema{
      {Setting("n", SettingType::number, ""), Setting("b", SettingType::boolean, ""),
       Setting("l", SettingType::list, ""), Setting("o", SettingType::object, ""),
       Setting("i", SettingType::integer, "")}};

  const auto settings =
      Settings::check(schema, json(R"({"n": 1, "b": "yes", "l": [1], "o": {"k": 2}, "i": 5})"));

  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->number("n"), 1.0);
  EXPECT_TRUE(settings->boolean("b"));
  EXPECT_EQ(settings->list("l").size(), 1U);
  EXPECT_EQ(settings->object("o").at("k"), Value(2));
  EXPECT_EQ(settings->integer("i"), 5);
}

TEST(SettingsDeathTest, MisuseAborts) {
  const SettingsSchema schema{{Setting("x", SettingType::string, "").by_default("text"),
                               Setting("absent", SettingType::integer, "")}};
  const auto settings = *Settings::check(schema, {});

  EXPECT_DEATH(static_cast<void>(settings.string("y")), "`y` was not declared");
  EXPECT_DEATH(static_cast<void>(settings.integer("x")), "`x` is not an integer here");
  EXPECT_DEATH(static_cast<void>(settings.integer("absent")), "`absent` is not an integer here");
  EXPECT_DEATH(static_cast<void>(Settings::check(
                   one(Setting("x", SettingType::integer, "").by_default("many")), {})),
               "the default is wrong: x must be an integer, not `many`");
}

TEST(Settings, NameTheirTypes) {
  EXPECT_EQ(to_string(SettingType::any), "any");
  EXPECT_EQ(to_string(SettingType::strings), "strings");
  EXPECT_EQ(to_string(SettingType::seconds), "seconds");
}

// "line:column severity code: message | hint" of each diagnostic.
std::vector<std::string> located(const SettingsSchema& schema, std::string_view yaml) {
  Diagnostics diagnostics;
  const auto node = parse_yaml(yaml, "book.yml", diagnostics);
  const Location where{"book.yml", 99, 5};
  check_settings(schema, *node, "source webhook", where, diagnostics);
  std::vector<std::string> lines;
  for (const auto& item : diagnostics.items()) {
    lines.push_back(fmt::format("{}:{} {} {}: {} | {}", item.where.line, item.where.column,
                                item.severity == Severity::error ? "error" : "warning", item.code,
                                item.message, item.hint));
  }
  return lines;
}

SettingsSchema webhook() {
  return {{Setting("port", SettingType::integer, "where to listen").required().at_most(65535),
           Setting("token", SettingType::string, "what callers must show").nullable(),
           Setting("format", SettingType::string, "of the signature").one_of({"hex", "base64"}),
           Setting("hosts", SettingType::strings, "who may call").one_of({"a", "b"})}};
}

using Lines = std::vector<std::string>;

TEST(CheckSettings, TellsWhereEachFaultIs) {
  EXPECT_EQ(located(webhook(), "port: 70000\ntoken: []\nformat: hexx\ncolour: 1\n"),
            (Lines{"1:7 error out-of-range: source webhook: port must be at most 65535 | ",
                   "2:8 error wrong-type: source webhook: token must be a string, not a list | ",
                   "3:9 error bad-choice: source webhook: format must be one of hex, base64, "
                   "not `hexx` | did you mean `hex`?",
                   "4:1 error unknown-setting: source webhook: colour is not a known setting | "
                   "known settings: port, token, format, hosts"}));
}

TEST(CheckSettings, TellsWhatIsMissingAtThePlaceOfTheExtension) {
  const Lines missing{
      "99:5 error missing-setting: source webhook: port is required | where to listen"};

  EXPECT_EQ(located(webhook(), ""), missing);
  EXPECT_EQ(located(webhook(), "{}"), missing);
}

TEST(CheckSettings, ProposesTheNearestKnownSetting) {
  EXPECT_EQ(located(webhook(), "port: 1\ntokn: x"),
            (Lines{"2:1 error unknown-setting: source webhook: tokn is not a known setting | "
                   "did you mean `token`? known settings: port, token, format, hosts"}));
  EXPECT_EQ(located({}, "x: 1"),
            (Lines{"1:1 error unknown-setting: source webhook: x is not a known setting | "
                   "there are no settings"}));
}

TEST(CheckSettings, WarnsOnlyWhereUnknownSettingsAreHarmless) {
  auto schema = webhook();
  schema.unknown = Unknown::warning;

  EXPECT_EQ(located(schema, "port: 1\nx: 1").front().substr(0, 28), "2:1 warning unknown-setting:");
}

TEST(CheckSettings, TakesATemplateForAnyType) {
  EXPECT_EQ(located(webhook(), "port: '{{ port }}'\nformat: '{{ f }}'\nhosts: '{{ h }}'"), Lines());
  EXPECT_EQ(located(webhook(), "port: 1\nhosts: ['{{ h }}', a]"), Lines());
  EXPECT_EQ(located(webhook(), "port: '{% if x %}'").size(), 1U);
}

TEST(CheckSettings, TakesNullWhereThatIsAllowed) {
  EXPECT_EQ(located(webhook(), "port: 1\ntoken:"), Lines());
  EXPECT_EQ(located(webhook(), "port:").size(), 1U);
}

TEST(CheckSettings, RefusesAnythingButAMapping) {
  EXPECT_EQ(located(webhook(), "- port"),
            (Lines{"1:1 error wrong-type: source webhook: the settings must be a mapping | "}));
}

}  // namespace
}  // namespace millrace
