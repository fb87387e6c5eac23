// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/text.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Text, TrimTakesBlanksFromBothSides) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim("a"), "a");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, SplitKeepsEmptyParts) {
  EXPECT_EQ(split("a,b,,c", ','), (std::vector<std::string_view>{"a", "b", "", "c"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
  EXPECT_EQ(split(",", ','), (std::vector<std::string_view>{"", ""}));
}

TEST(Text, EditDistanceCountsInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("rnu", "run"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("same", "same"), 0u);
}

TEST(Text, NearestFindsASlipOfTheKeyboardOnly) {
  const std::vector<std::string> names = {"run_playbook", "run_module", "print_event"};
  EXPECT_EQ(nearest("run_playbok", names), "run_playbook");
  EXPECT_EQ(nearest("printevent", names), "print_event");
  EXPECT_EQ(nearest("shutdown", names), std::nullopt);
  EXPECT_EQ(nearest("x", names), std::nullopt);
  EXPECT_EQ(nearest("run", {}), std::nullopt);
}

TEST(Text, DidYouMeanNamesTheCandidateOrNothing) {
  const std::vector<std::string> names = {"debug"};
  EXPECT_EQ(did_you_mean("debg", names), "did you mean `debug`?");
  EXPECT_EQ(did_you_mean("shutdown", names), "");
}

TEST(Text, PrintableReplacesInvalidUtf8AndControlCharacters) {
  EXPECT_EQ(printable("plain é 日本 \U0001F600\t\n"), "plain é 日本 \U0001F600\t\n");
  EXPECT_EQ(printable("a\x1b[31m\r\x7f"), "a?[31m??");
  EXPECT_EQ(printable("\xff"
                      "a\xc3"),
            "\uFFFDa\uFFFD");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(printable("\xc0\xaf"), "\uFFFD\uFFFD");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "?");
}

TEST(Text, HumanBytesUseDecimalUnits) {
  EXPECT_EQ(human_bytes(220), "220 B");
  EXPECT_EQ(human_bytes(1'500'000), "1.5 MB");
  EXPECT_EQ(human_bytes(2e15), "2000.0 TB");
}

TEST(Text, GroupedSetsCommasBetweenThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
}

}  // namespace
}  // namespace millrace
