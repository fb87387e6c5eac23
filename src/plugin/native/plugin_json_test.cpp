// SPDX-License-Identifier: Apache-2.0
// The JSON that plugins come with (include/millrace/plugin_json.hpp), compared with the engine's.
#include "millrace/plugin_json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "millrace/event/json.hpp"
#include "millrace/plugin.hpp"

namespace millrace::plugin {
namespace {

std::string failure(std::string_view text) {
  try {
    return "read: " + Json::parse(text).text();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), MILLRACE_INVALID_EVENT);
    return error.what();
  }
}

TEST(PluginJson, ReadsAndWritesWhatTheEngineDoes) {
  for (const auto* text :
       {R"(null)", R"(true)", R"(-5)", R"(0.5)", R"("a")", R"([])", R"({})",
        R"({"z":1,"a":[1,-2,3.25,1e+30,"x",null,false,{"b":{}}]})", R"(9223372036854775807)",
        R"(-9223372036854775808)", R"(18446744073709551615)", R"("ä€😀")", R"("\"\\")"}) {
    EXPECT_EQ(Json::parse(text).text(), text);
    const auto engines = parse_json(text);
    ASSERT_TRUE(engines);
    const auto again = parse_json(Json::parse(to_json(*engines)).text());
    ASSERT_TRUE(again);
    EXPECT_TRUE(*again == *engines) << text;
  }
}

TEST(PluginJson, ReadsBlanksEscapesAndNumbersOfAllKinds) {
  EXPECT_EQ(Json::parse(" {\n\"a\" :\t[ 1 , 2 ] } ").text(), R"({"a":[1,2]})");
  EXPECT_EQ(Json::parse(R"("\b\f\n\r\t\/\u0041\u00e4\u20ac\ud83d\ude00")").string(),
            "\b\f\n\r\t/Aä€😀");
  EXPECT_EQ(Json::parse(R"("\ud800x\ud800\u0041\udc00")").string(), "\uFFFDx\uFFFDA\uFFFD");
  EXPECT_EQ(Json::parse("-0").text(), "0");
  EXPECT_EQ(Json::parse("1E2").text(), "100.0");
  EXPECT_EQ(Json::parse("36893488147419103232").number(), 36893488147419103232.0);
  EXPECT_EQ(Json::parse(R"({"a":1,"a":2})").text(), R"({"a":2})");
}

TEST(PluginJson, RefusesWhatIsNoJson) {
  for (const auto* text :
       {"",    " ",   "nul",      "[1,]",      "[1 2]",       "{\"a\"}", "{\"a\":}", "{a:1}",
        "1 2", "\"a", "\"\\x\"",  "\"\\u12\"", "\"\\u12g4\"", "+1",      "-",        ".5",
        "1e",  "--1", "\"a\nb\"", "[",         "{\"a\":1,}",  "\"\\"})
    EXPECT_TRUE(failure(text).starts_with("not JSON: ")) << text << ": " << failure(text);
  EXPECT_TRUE(failure(std::string(100'000, '[')).contains("nested too deeply"));
}

TEST(PluginJson, WritesTextsSafely) {
  EXPECT_EQ(Json("a\"b\\c\n\x01\x7f").text(), "\"a\\\"b\\\\c\\u000a\\u0001\x7f\"");
  EXPECT_EQ(Json("a\x80z").text(), "\"a\uFFFDz\"");
  EXPECT_EQ(Json("\xC0\x80").text(), "\"\uFFFD\uFFFD\"");                      // overlong
  EXPECT_EQ(Json("\xED\xA0\x80").text(), "\"\uFFFD\uFFFD\uFFFD\"");            // a surrogate
  EXPECT_EQ(Json("\xF4\x90\x80\x80").text(), "\"\uFFFD\uFFFD\uFFFD\uFFFD\"");  // beyond Unicode
  EXPECT_EQ(Json("\xE2\x82").text(), "\"\uFFFD\uFFFD\"");                      // cut
  EXPECT_EQ(Json(std::string_view("a\0b", 3)).text(), R"("a\u0000b")");
  EXPECT_EQ(Json(std::numeric_limits<double>::quiet_NaN()).text(), "null");
  EXPECT_EQ(Json(-HUGE_VAL).text(), "null");
  EXPECT_EQ(Json(3.0).text(), "3.0");
  EXPECT_EQ(Json(std::numeric_limits<std::uint64_t>::max()).text(), "18446744073709551615");
}

TEST(PluginJson, BuildsAndChangesObjects) {
  Json json{{"a", 1}, {"b", Json{{"c", Json::array({1, "x", nullptr})}}}};
  json["b"]["d"] = true;
  json["e"].push_back(5);
  EXPECT_TRUE(json.erase("a"));
  EXPECT_FALSE(json.erase("a"));
  EXPECT_EQ(json.text(), R"({"b":{"c":[1,"x",null],"d":true},"e":[5]})");
  EXPECT_THROW(json["e"]["x"], Error);
  EXPECT_THROW(json.push_back(1), Error);
}

TEST(PluginJson, ReadsWhatMayBeMissing) {
  const Json json{{"a", Json{{"b", 5}}}, {"s", "x"}, {"n", 1.5}, {"t", true}};
  EXPECT_EQ(json["a"]["b"].integer(), 5);
  EXPECT_TRUE(json["x"]["y"]["z"].is_null());
  EXPECT_EQ(json.find("x"), nullptr);
  EXPECT_EQ(json["a"]["b"].number(), 5.0);
  EXPECT_EQ(json["x"].integer_or(7), 7);
  EXPECT_EQ(json["s"].string_or(""), "x");
  EXPECT_EQ(json["s"].number_or(2), 2);
  EXPECT_TRUE(json["t"].boolean_or(false));
  EXPECT_THROW(json["s"].integer(), Error);
  EXPECT_THROW(json["n"].integer(), Error);
}

TEST(PluginSettings, AreReadByTheirTypes) {
  const Settings settings(
      Json::parse(R"({"s":"x","i":5,"n":0.5,"b":true,"l":["a","b"],"o":{"k":1},"none":null})"));
  EXPECT_EQ(settings.string("s"), "x");
  EXPECT_EQ(settings.integer("i"), 5);
  EXPECT_EQ(settings.number("n"), 0.5);
  EXPECT_EQ(settings.number("i"), 5.0);
  EXPECT_TRUE(settings.boolean("b"));
  EXPECT_EQ(settings.strings("l"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(settings.value("o")["k"].integer(), 1);
  EXPECT_TRUE(settings.has("s"));
  EXPECT_FALSE(settings.has("none"));
  EXPECT_FALSE(settings.has("never"));
  EXPECT_THROW(settings.string("none"), Error);
}

}  // namespace
}  // namespace millrace::plugin
