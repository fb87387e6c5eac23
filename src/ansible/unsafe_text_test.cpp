// SPDX-License-Identifier: Apache-2.0
#include "millrace/ansible/unsafe_text.hpp"

#include <gtest/gtest.h>

#include "millrace/event/json.hpp"

namespace millrace::ansible {
namespace {

TEST(UnsafeText, MarksWhatCouldBeATemplateAndNothingElse) {
  const auto given = parse_json(
      R"({"a":"{{ x }}","b":["{% if %}","plain",1,null],"c":{"d":"#jinja2: variable_start_string:'['"}})");
  const auto expected = parse_json(
      R"({"a":{"__ansible_unsafe":"{{ x }}"},"b":[{"__ansible_unsafe":"{% if %}"},"plain",1,null],
          "c":{"d":{"__ansible_unsafe":"#jinja2: variable_start_string:'['"}}})");
  EXPECT_EQ(as_unsafe(*given), *expected);
}

TEST(UnsafeText, HandsOnNoMarksOfOthers) {
  const auto given =
      parse_json(R"({"a":{"__ansible_vault":"x","b":1},"c":{"__ansible_unsafe":{"d":2}}})");
  EXPECT_EQ(as_unsafe(*given), *parse_json(R"({"a":{"b":1},"c":{}})"));
}

}  // namespace
}  // namespace millrace::ansible
