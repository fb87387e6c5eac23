// SPDX-License-Identifier: Apache-2.0
#include "test_time.hpp"

#include <gtest/gtest.h>

namespace millrace::cli {
namespace {

TEST(TestTime, IsWrittenAsItIsRead) {
  const auto parsed = [](const std::string& text) {
    Diagnostics diagnostics;
    const auto node = parse_yaml(text, "t.yml", diagnostics);
    const auto time = node ? parse_test_time(*node) : std::nullopt;
    return time ? to_text(*time) : "none";
  };
  EXPECT_EQ(parsed("90"), "1 minute 30 seconds");
  EXPECT_EQ(parsed("0.25"), "250 milliseconds");
  EXPECT_EQ(parsed("0"), "0 seconds");
  EXPECT_EQ(parsed("1 day 1 hour 1 minute 1 second 1 millisecond"),
            "1 day 1 hour 1 minute 1 second 1 millisecond");
  EXPECT_EQ(parsed("90 MINUTES  30 seconds"), "1 hour 30 minutes 30 seconds");
  EXPECT_EQ(parsed("36525 days"), "36525 days");
  for (const auto* text :
       {"36525 days 1 second", "", "''", "5 second 3", "seconds", "-5", "1.5 days", ".inf", ".nan",
        "1e300", "[5]", "true", "9223372036854775807 days"})
    EXPECT_EQ(parsed(text), "none") << text;
}

}  // namespace
}  // namespace millrace::cli
