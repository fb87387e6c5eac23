// SPDX-License-Identifier: Apache-2.0
#include "millrace/event/json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace millrace {
namespace {

Value parsed(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << (value ? "" : value.error().message());
  return value ? *std::move(value) : Value();
}

std::string fault(std::string_view text, const JsonLimits& limits = {}) {
  const auto value = parse_json(text, limits);
  if (value) return "accepted as " + to_json(*value);
  EXPECT_EQ(value.error().code(), Errc::invalid_event);
  return value.error().message();
}

std::string brackets(std::size_t depth, std::string_view inside = "") {
  return std::string(depth, '[') + std::string(inside) + std::string(depth, ']');
}

TEST(Json, KeepsIntegersAndDoublesApart) {
  EXPECT_TRUE(parsed("1").is_int64());
  EXPECT_TRUE(parsed("1.0").is_double());
  EXPECT_TRUE(parsed("1e3").is_double());
  EXPECT_EQ(parsed("-0").as_int64(), 0);
  EXPECT_EQ(parsed("9223372036854775807").as_int64(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parsed("-9223372036854775808").as_int64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parsed("18446744073709551615").as_uint64(), std::numeric_limits<std::uint64_t>::max());
}

TEST(Json, MakesIntegersBeyond64BitsDoubles) {
  EXPECT_EQ(parsed("18446744073709551616").as_double(), 18446744073709551616.0);
  EXPECT_EQ(parsed("-9223372036854775809").as_double(), -9223372036854775808.0);
  EXPECT_EQ(to_json(parsed(
                R"({"a\"1":123456789012345678901234567890,"b":[0.1,18446744073709551616,7]})")),
            R"({"a\"1":1.2345678901234568e+29,"b":[0.1,18446744073709551616.0,7]})");
  EXPECT_EQ(parsed(R"(["18446744073709551616", 18446744073709551616])").at(0).as_string(),
            "18446744073709551616");
}

TEST(Json, LetsTheLastOfDuplicateKeysCount) {
  EXPECT_EQ(to_json(parsed(R"({"a":1,"b":2,"a":[3]})")), R"({"a":[3],"b":2})");
}

TEST(Json, KeepsTheOrderOfKeys) {
  std::string text = "{";
  for (int i = 99; i >= 0; --i) text += fmt::format("\"key{}\":{}{}", i, i, i == 0 ? "}" : ",");
  EXPECT_EQ(to_json(parsed(text)), text);
}

TEST(Json, ReadsEscapes) {
  EXPECT_EQ(parsed(R"("\u00e9\ud83d\ude00\n\/\u0000x")").as_string(),
            std::string("\u00e9\U0001F600\n/\0x", 10));
}

TEST(Json, BuildsTheWholeValueInTheGivenStorage) {
  boost::json::monotonic_resource memory;
  const boost::json::storage_ptr storage(&memory);
  const auto value =
      parse_json(R"({"list":[{"text":"longer than any small string buffer"}]})", {}, storage);
  ASSERT_TRUE(value);
  EXPECT_EQ(*value->storage(), *storage);
  const auto& inner = value->at("list").at(0).at("text");
  EXPECT_EQ(*inner.storage(), *storage);
  EXPECT_EQ(*inner.get_string().storage(), *storage);
}

TEST(Json, SaysWhereAndWhyTextIsRefused) {
  EXPECT_EQ(fault("{\"a\": 1,\n \"b\" 2}"),
            "invalid JSON at line 2, column 6: a comma, colon, bracket, brace, key or value is "
            "missing or too many");
  EXPECT_EQ(fault("[1, nul]"),
            "invalid JSON at line 1, column 5: unknown word; true, false and null are known");
  EXPECT_EQ(fault("[\"abc"), "invalid JSON at line 1, column 6: a string is not closed");
  EXPECT_EQ(fault(""), "invalid JSON at line 1, column 1: there is no text");
  EXPECT_EQ(fault("\xEF\xBB\xBF{}"), "invalid JSON: starts with a byte order mark");
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const std::string_view text : {" ",
                                      "01",
                                      "[1.]",
                                      "+1",
                                      ".5",
                                      "NaN",
                                      "Infinity",
                                      "{a:1}",
                                      "{'a':1}",
                                      "[1,]",
                                      "[1] 2",
                                      "{\"a\":1,}",
                                      "\"a\nb\"",
                                      "\"\\x41\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\\ud800\\u0041\"",
                                      "1e400",
                                      "[1,2",
                                      "/*x*/1"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
  EXPECT_FALSE(parse_json(std::string_view("[1]\0", 4)));
  EXPECT_FALSE(parse_json(std::string(400, '9')));
}

TEST(Json, RefusesInvalidUtf8) {
  EXPECT_EQ(fault("\"\xff\""), "invalid JSON at line 1, column 2: invalid UTF-8");
  for (const std::string_view text :
       {"\"\xc3\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\""}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
}

TEST(Json, BoundsTheDepthExactly) {
  const JsonLimits limits{.depth = 3};
  EXPECT_TRUE(parse_json(brackets(3), limits));
  EXPECT_TRUE(parse_json(brackets(3, "1"), limits));
  EXPECT_TRUE(parse_json(R"({"a":{"b":{"c":1}}})", limits));
  EXPECT_FALSE(parse_json(brackets(4), limits));
  EXPECT_FALSE(parse_json(brackets(4, "1"), limits));
  EXPECT_FALSE(parse_json(R"({"a":{"b":{"c":{}}}})", limits));
  EXPECT_TRUE(parse_json("1", {.depth = 0}));
  EXPECT_FALSE(parse_json("[]", {.depth = 0}));
  EXPECT_TRUE(parse_json(brackets(128, "1")));
  EXPECT_EQ(fault(brackets(100'000)),
            "invalid JSON at line 1, column 129: nested deeper than 128 levels");
}

TEST(Json, BoundsTheDepthOfTextWithWideIntegersToo) {
  EXPECT_TRUE(parse_json(brackets(2, "18446744073709551616"), {.depth = 2}));
  EXPECT_FALSE(parse_json(brackets(3, "18446744073709551616"), {.depth = 2}));
}

TEST(Json, BoundsTheBytesExactly) {
  EXPECT_TRUE(parse_json("[1,2]", {.bytes = 5}));
  EXPECT_EQ(fault("[1,2] ", {.bytes = 5}), "invalid JSON: 6 bytes are more than the 5 allowed");
}

TEST(Json, WritesDoublesWithAFractionOrAnExponent) {
  EXPECT_EQ(to_json(Value(1.0)), "1.0");
  EXPECT_EQ(to_json(Value(-0.0)), "-0.0");
  EXPECT_EQ(to_json(Value(0.1)), "0.1");
  EXPECT_EQ(to_json(Value(1e300)), "1e+300");
  EXPECT_EQ(to_json(Value(5e-324)), "5e-324");
  EXPECT_EQ(to_json(Value(std::nan(""))), "null");
  EXPECT_EQ(to_json(Value(-INFINITY)), "null");
}

TEST(Json, WritesEscapes) {
  EXPECT_EQ(to_json(Value(std::string_view("\"\\\b\f\n\r\t\x01/\x7f\u00e9\0", 13))),
            "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001/\x7f\u00e9\\u0000\"");
}

TEST(Json, ReadsBackWhatItWrote) {
  for (const std::string_view text :
       {"null", "true", "[]", "{}", "-9223372036854775808", "18446744073709551615", "1.0", "-0.0",
        "1e+300", "5e-324", "1.7976931348623157e+308", "0.30000000000000004",
        R"({"a":[1,1.0,"x",null,{"b":{}}],"":[[]]})"}) {
    EXPECT_EQ(to_json(parsed(text)), text);
    EXPECT_TRUE(identical(parsed(to_pretty_json(parsed(text))), parsed(text))) << text;
  }
}

TEST(Json, IndentsPrettyTextByTwoBlanks) {
  EXPECT_EQ(
      to_pretty_json(parsed(R"({"a":[1,{}],"b":[],"c":{"d":null}})")),
      "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": [],\n  \"c\": {\n    \"d\": null\n  }\n}");
}

}  // namespace
}  // namespace millrace
