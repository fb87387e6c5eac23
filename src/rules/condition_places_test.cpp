// SPDX-License-Identifier: Apache-2.0
#include "condition_places.hpp"

#include <gtest/gtest.h>

#include "condition_test_case.hpp"

namespace millrace::rules {
namespace {

// Where the text that `marked` stands for stands in the value of the only key of `yaml`:
// "line:column+length".
std::string place_of(std::string_view yaml, std::string_view marked) {
  Diagnostics diagnostics;
  const auto top = parse_yaml(yaml, "rules.yml", diagnostics);
  EXPECT_TRUE(top) << yaml;
  if (!top) return {};
  const YamlNode& scalar = top->entries.at(0).value;
  const auto offset = scalar.text.find(marked);
  EXPECT_NE(offset, std::string::npos) << scalar.text;
  const SourceText source(yaml);
  const auto where = Places::of_scalar(scalar, source).at(offset, marked.size());
  EXPECT_EQ(where.file, "rules.yml");
  return fmt::format("{}:{}+{}", where.line, where.column, where.length);
}

TEST(Places, CountInAPlainScalar) {
  EXPECT_EQ(place_of("condition: event.a = 1\n", "="), "1:20+1");
  EXPECT_EQ(place_of("condition: event.a = 1\n", "event.a"), "1:12+7");
}

TEST(Places, LookBehindQuotes) {
  EXPECT_EQ(place_of("condition: 'event.a = 1'\n", "event.a"), "1:13+7");
  EXPECT_EQ(place_of("condition: \"event.a = 1\"\n", "="), "1:21+1");
}

TEST(Places, CountEscapesAsTheyAreWritten) {
  EXPECT_EQ(place_of("condition: 'event.a == ''x'' oops'\n", "oops"), "1:30+4");
  EXPECT_EQ(place_of("condition: \"event.a == \\\"x\\\" oops\"\n", "oops"), "1:30+4");
  EXPECT_EQ(place_of("condition: \"event.a == '\\\\d' oops\"\n", "oops"), "1:30+4");
  EXPECT_EQ(place_of("condition: \"event.a\\nand\\toops\"\n", "oops"), "1:27+4");
}

TEST(Places, FollowPlainScalarsOverLines) {
  EXPECT_EQ(place_of("condition: event.a and\n  event.b\n  oops\n", "oops"), "3:3+4");
  EXPECT_EQ(place_of("condition:\n  event.a\n\n\n  oops\n", "oops"), "5:3+4");
}

TEST(Places, FollowQuotedScalarsOverLines) {
  EXPECT_EQ(place_of("condition: 'event.a and\n    oops'\n", "oops"), "2:5+4");
  EXPECT_EQ(place_of("condition: \"event.a and \\\n    oops\"\n", "oops"), "2:5+4");
}

TEST(Places, FollowBlockScalars) {
  EXPECT_EQ(place_of("condition: |\n  event.a\n  and oops\n", "oops"), "3:7+4");
  EXPECT_EQ(place_of("condition: >-\n  event.a\n  and oops\n", "oops"), "3:7+4");
  EXPECT_EQ(place_of("condition: >  # a comment\n\n    event.a\n    and oops\n", "oops"), "4:9+4");
  EXPECT_EQ(place_of("condition: |2\n    event.a\n    oops\n", "oops"), "3:5+4");
}

TEST(Places, CutWhatGoesOnInTheNextLine) {
  EXPECT_EQ(place_of("condition: >-\n  event.a\n  and event.b\n", "event.a and event.b"),
            "2:3+8");  // with the blank that the line break became
}

TEST(Places, CountBytesOfOtherLetters) {
  EXPECT_EQ(place_of("condition: event.größe = 1\n", "="), "1:26+1");
}

TEST(Places, FallBackToTheStartOfTheScalar) {
  EXPECT_EQ(place_of("condition: \"\\x65vent.a = 1\"\n", "="), "1:12+1");
}

}  // namespace
}  // namespace millrace::rules
