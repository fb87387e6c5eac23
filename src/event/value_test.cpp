// SPDX-License-Identifier: Apache-2.0
#include "millrace/event/value.hpp"

#include <gtest/gtest.h>

#include "millrace/event/json.hpp"

namespace millrace {
namespace {

bool identical_texts(std::string_view a, std::string_view b) {
  return identical(parse_json(a).value(), parse_json(b).value());
}

TEST(Value, IntegersAndDoublesDifferInDeepEquality) {
  EXPECT_TRUE(identical_texts("[1]", "[1]"));
  EXPECT_FALSE(identical_texts("[1]", "[1.0]"));
  EXPECT_FALSE(identical_texts("[1]", "[true]"));
  EXPECT_FALSE(identical_texts("[null]", "[]"));
}

TEST(Value, TheSameNumberIsEqualWhetherSignedOrNot) {
  EXPECT_TRUE(identical(Value(std::uint64_t{7}), Value(std::int64_t{7})));
  EXPECT_TRUE(identical(Value(std::int64_t{7}), Value(std::uint64_t{7})));
  EXPECT_FALSE(identical(Value(~std::uint64_t{0}), Value(std::int64_t{-1})));
}

TEST(Value, TheOrderOfKeysDoesNotMatterButThatOfItemsDoes) {
  EXPECT_TRUE(identical_texts(R"({"a":1,"b":{"c":2,"d":[3]}})", R"({"b":{"d":[3],"c":2},"a":1})"));
  EXPECT_FALSE(identical_texts("[1,2]", "[2,1]"));
  EXPECT_FALSE(identical_texts(R"({"a":1})", R"({"a":1,"b":2})"));
  EXPECT_FALSE(identical_texts(R"({"a":null})", R"({"b":null})"));
}

TEST(Value, ADocumentKeepsItsValueInMemoryOfItsOwn) {
  const auto source =
      parse_json(R"({"list":["a text that is longer than any small string buffer"]})").value();
  const auto document = Document::copy_of(source);
  EXPECT_TRUE(identical(document->value(), source));
  EXPECT_NE(*document->value().storage(), *source.storage());
  EXPECT_EQ(*document->value().at("list").at(0).storage(), *document->value().storage());
}

TEST(Value, ADocumentThatIsNoObjectGivesAnEmptyOne) {
  EXPECT_TRUE(Document::copy_of(Value(5))->object().empty());
  EXPECT_EQ(Document::copy_of(parse_json(R"({"a":1})").value())->object().size(), 1u);
}

TEST(Value, ADocumentIsBuiltInTheStorageGiven) {
  const auto document = Document::make(64, [](const boost::json::storage_ptr& storage) {
    return parse_json(R"({"a":[1,2,3]})", {}, storage).value();
  });
  EXPECT_EQ(*document->object().at("a").storage(), *document->value().storage());
}

}  // namespace
}  // namespace millrace
