// SPDX-License-Identifier: Apache-2.0
#include "millrace/event/path.hpp"

#include <gtest/gtest.h>

#include "millrace/event/json.hpp"

namespace millrace {
namespace {

Path path(std::string_view text) {
  auto parsed = Path::parse(text);
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().message());
  return parsed ? *parsed : Path();
}

std::string error_of(std::string_view text) {
  const auto parsed = Path::parse(text);
  return parsed ? "no error" : parsed.error().message();
}

// The JSON of what is found, or "nothing".
std::string found(std::string_view json, std::string_view text) {
  const auto value = parse_json(json);
  EXPECT_TRUE(value) << json;
  const Found result = find(*value, path(text));
  return result ? to_json(*result) : "nothing";
}

TEST(Path, ReadsNamesIndexesAndQuotedKeys) {
  const Path parsed = path("a.b_1[0]['k k'][\"x\"][-2]");
  ASSERT_EQ(parsed.segments().size(), 6u);
  EXPECT_EQ(parsed.segments()[0], Path::Segment(Path::Key{"a", true}));
  EXPECT_EQ(parsed.segments()[1], Path::Segment(Path::Key{"b_1", true}));
  EXPECT_EQ(parsed.segments()[2], Path::Segment(Path::Index{0}));
  EXPECT_EQ(parsed.segments()[3], Path::Segment(Path::Key{"k k", false}));
  EXPECT_EQ(parsed.segments()[4], Path::Segment(Path::Key{"x", false}));
  EXPECT_EQ(parsed.segments()[5], Path::Segment(Path::Index{-2}));
}

TEST(Path, MayBeginWithABracket) {
  EXPECT_EQ(path("['a b'].c").to_string(), "[\"a b\"].c");
  EXPECT_EQ(path("[0]").segments()[0], Path::Segment(Path::Index{0}));
}

TEST(Path, TakesLettersOfAnyScriptInNames) {
  EXPECT_EQ(path("größe.имя.名前").segments().size(), 3u);
  EXPECT_EQ(path("e\u0301t\u00e9").segments().size(), 1u);  // with a combining mark
  EXPECT_EQ(name_length("a\u2019b"), 1u);                   // a typographic quote ends a name
  EXPECT_EQ(name_length("\u0301a"), 0u);                    // a mark does not begin one
  EXPECT_EQ(name_length("1a"), 0u);
  EXPECT_EQ(name_length("\xFF"), 0u);
  EXPECT_EQ(name_length("a\xC3"), 1u);
}

TEST(Path, WritesItselfAsItIsRead) {
  for (const std::string text :
       {"a", "a.b", "a[0].b", "a[-1]", "a[\"k k\"]", "a['say \"x\"']", "[\"\"].b"}) {
    EXPECT_EQ(path(text).to_string(), text);
    EXPECT_EQ(path(path(text).to_string()), path(text));
  }
  EXPECT_EQ(path("a[+1]['k']").to_string(), "a[1][\"k\"]");
}

TEST(Path, SaysWhatIsWrongWithAText) {
  EXPECT_EQ(error_of(""),
            "path ``: a name must follow the dot (an index is written [0], any other key "
            "[\"a key\"])");
  for (const auto* text : {"a.", "a..b", ".a", "a.0", "0", "a.-b"}) {
    EXPECT_NE(error_of(text).find("a name must follow the dot"), std::string::npos) << text;
  }
  for (const auto* text : {"a[ 0 ]", "a[]", "a[x]", "a[", "a[--1]", "a[+-1]", "a[- 1]"}) {
    EXPECT_NE(error_of(text).find("brackets must hold"), std::string::npos) << text;
  }
  for (const auto* text : {"a['b]", "a[\"b']", "a['b\n']"}) {
    EXPECT_NE(error_of(text).find("the quote of a key"), std::string::npos) << text;
  }
  for (const auto* text : {"a[0", "a[1.5]", "a['b'x]", "a[0x1]"}) {
    EXPECT_NE(error_of(text).find("closed by `]`"), std::string::npos) << text;
  }
  EXPECT_EQ(error_of("a b"), "path `a b`: ` b` is not part of a path");
  EXPECT_EQ(error_of("a-b"), "path `a-b`: `-b` is not part of a path");
  EXPECT_NE(error_of("a[99999999999999999999]").find("64 bits"), std::string::npos);
}

TEST(Path, TakesItselfFromTheFrontOfAText) {
  std::string_view text = ".a[0].b == 1";
  const auto taken = Path::take(text);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->to_string(), "a[0].b");
  EXPECT_EQ(text, " == 1");

  std::string_view broken = ".a. b";
  EXPECT_FALSE(Path::take(broken));
  EXPECT_EQ(broken, " b");
}

TEST(Path, KnowsItsFirstKeyAndItsRest) {
  EXPECT_EQ(path("a.b[0]").first_key(), "a");
  EXPECT_EQ(path("['a'].b").first_key(), "a");
  EXPECT_EQ(path("[0].b").first_key(), "");
  EXPECT_EQ(Path().first_key(), "");
  EXPECT_EQ(path("a.b[0]").rest(), path("b[0]"));
  EXPECT_TRUE(path("a").rest().empty());
  EXPECT_TRUE(Path().rest().empty());
}

TEST(PathFind, FollowsKeysAndIndexes) {
  EXPECT_EQ(found(R"({"a": {"b": [10, 20, 30]}})", "a.b[1]"), "20");
  EXPECT_EQ(found(R"({"a": {"b": 1}})", "a['b']"), "1");
  EXPECT_EQ(found(R"({"a b": {"": 7}})", "['a b']['']"), "7");
  EXPECT_EQ(found(R"([[1, 2], [3]])", "[0][1]"), "2");
  EXPECT_EQ(found(R"({"a": [{"b": [1, {"c": 5}]}]})", "a[0].b[1].c"), "5");
}

TEST(PathFind, PointsIntoTheSearchedValue) {
  const auto value = parse_json(R"({"a": [1, 2]})");
  const Found result = find(*value, path("a[1]"));
  EXPECT_EQ(&*result, &value->at("a").at(1));
  EXPECT_EQ(&*find(*value, Path()), &*value);
}

TEST(PathFind, FindsNothingWhereAKeyIsMissing) {
  EXPECT_EQ(found(R"({"a": 1})", "b"), "nothing");
  EXPECT_EQ(found(R"({"a": {}})", "a.b.c"), "nothing");
  EXPECT_EQ(found(R"({"a": 1})", "a.b"), "nothing");
  EXPECT_EQ(found(R"({"a": "text"})", "a['b']"), "nothing");
}

TEST(PathFind, EndsAtNull) {
  EXPECT_EQ(found(R"({"a": null})", "a"), "null");
  EXPECT_EQ(found(R"({"a": null})", "a.b"), "null");
  EXPECT_EQ(found(R"({"a": null})", "a[3]['x'].y"), "null");
  EXPECT_EQ(found(R"({"a": [null]})", "a[0].b"), "null");
}

TEST(PathFind, CountsNegativeIndexesFromTheEnd) {
  EXPECT_EQ(found(R"({"l": [1, 2, 3]})", "l[-1]"), "3");
  EXPECT_EQ(found(R"({"l": [1, 2, 3]})", "l[-3]"), "1");
}

TEST(PathFind, FindsNothingBeyondAList) {
  EXPECT_EQ(found(R"({"l": [1, 2, 3]})", "l[3]"), "nothing");
  EXPECT_EQ(found(R"({"l": [1, 2, 3]})", "l[-4]"), "nothing");
  EXPECT_EQ(found(R"({"l": []})", "l[0]"), "nothing");
  EXPECT_EQ(found(R"({"l": []})", "l[-9223372036854775808]"), "nothing");
}

TEST(PathFind, TakesIndexesOfListsOnly) {
  EXPECT_EQ(found(R"({"a": {"0": 1}})", "a[0]"), "nothing");
  EXPECT_EQ(found(R"({"a": "text"})", "a[0]"), "nothing");
  EXPECT_EQ(found(R"({"a": 5})", "a[0]"), "nothing");
}

TEST(PathFind, MapsADottedKeyOverAList) {
  EXPECT_EQ(found(R"({"l": [{"a": 1}, {"a": 2}]})", "l.a"), "[1,2]");
  EXPECT_EQ(found(R"({"l": [{"a": 1}, {"b": 2}, 7, null, {"a": null}]})", "l.a"), "[1,null]");
  EXPECT_EQ(found(R"([{"a": 1}])", "a"), "[1]");
}

TEST(PathFind, FlattensMappedListsByOneLevel) {
  EXPECT_EQ(found(R"({"l": [{"a": [1, 2]}, {"a": 3}]})", "l.a"), "[1,2,3]");
  EXPECT_EQ(found(R"({"l": [{"a": [[1], 2]}]})", "l.a"), "[[1],2]");
}

TEST(PathFind, MapsTheMappedValuesAgain) {
  EXPECT_EQ(found(R"({"l": [{"a": {"b": 1}}, {"a": {"b": 2}}]})", "l.a.b"), "[1,2]");
  EXPECT_EQ(found(R"({"l": [{"a": [{"b": 1}, {"b": 2}]}, {"a": {"b": 3}}]})", "l.a.b"), "[1,2,3]");
}

TEST(PathFind, DoesNotEnterAListDirectlyInsideAList) {
  EXPECT_EQ(found(R"({"l": [[{"a": 1}], {"a": 2}]})", "l.a"), "[2]");
  EXPECT_EQ(found(R"({"l": [[{"a": 1}]]})", "l.a"), "nothing");
}

TEST(PathFind, DoesNotMapABracketedKey) {
  EXPECT_EQ(found(R"({"l": [{"a": 1}]})", "l['a']"), "nothing");
}

TEST(PathFind, FindsNothingWhereAMappingIsEmpty) {
  EXPECT_EQ(found(R"({"l": []})", "l.a"), "nothing");
  EXPECT_EQ(found(R"({"l": [{"b": 1}, 5]})", "l.a"), "nothing");
  EXPECT_EQ(found(R"({"l": [{"a": []}]})", "l.a"), "nothing");
}

TEST(PathFind, TakesIndexesOfWhatWasMapped) {
  EXPECT_EQ(found(R"({"l": [{"a": 1}, {"a": 2}]})", "l.a[1]"), "2");
  EXPECT_EQ(found(R"({"l": [{"a": 1}, {"a": 2}]})", "l.a[-1]"), "2");
  EXPECT_EQ(found(R"({"l": [{"a": 1}]})", "l.a[4]"), "nothing");
  EXPECT_EQ(found(R"({"l": [{"a": {"k": 9}}]})", "l.a[0]['k']"), "9");
  EXPECT_EQ(found(R"({"l": [{"a": null}]})", "l.a[0].x"), "null");
}

TEST(PathFind, CopiesWhatWasMadeOutOfTheDocument) {
  Found result;
  {
    const auto document = Document::copy_of(*parse_json(R"({"l": [{"a": "a long enough text"}]})"));
    result = find(document->value(), path("l.a"));
  }
  EXPECT_EQ(to_json(*result), R"(["a long enough text"])");
}

}  // namespace
}  // namespace millrace
