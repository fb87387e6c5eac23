// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/rules/rulebook.hpp"

namespace millrace::rules {
namespace {

using namespace std::chrono_literals;

TEST(Span, ReadsEveryUnitInSingularAndPlural) {
  const auto length = [](std::string_view text) {
    const auto span = parse_span(text, Units::with_milliseconds);
    return span ? span->length : -1ms;
  };
  EXPECT_EQ(length("5 milliseconds"), 5ms);
  EXPECT_EQ(length("1 millisecond"), 1ms);
  EXPECT_EQ(length("10 seconds"), 10s);
  EXPECT_EQ(length("10 second"), 10s);
  EXPECT_EQ(length("1 minute"), 1min);
  EXPECT_EQ(length("3 hours"), 3h);
  EXPECT_EQ(length("2 days"), 48h);
  EXPECT_EQ(length("0 seconds"), 0s);
  EXPECT_EQ(length("010 Seconds"), 10s);
  EXPECT_EQ(length("1 MINUTES"), 1min);
}

TEST(Span, RefusesWhatIsNoDuration) {
  for (const auto* text :
       {"", " ", "10", "seconds", "10seconds", "10  seconds", " 10 seconds", "10 seconds ",
        "-1 seconds", "+1 seconds", "1.5 seconds", "10 secs", "10 s", "10 secondss", "ten seconds",
        "10 weeks", "10\tseconds", "99999999999999999999 seconds", "9999999999999 days"}) {
    EXPECT_FALSE(parse_span(text, Units::with_milliseconds)) << text;
  }
}

TEST(Span, KnowsMillisecondsOnlyWhereTheyAreAllowed) {
  EXPECT_FALSE(parse_span("10 milliseconds", Units::whole_seconds));
  EXPECT_TRUE(parse_span("10 seconds", Units::whole_seconds));
}

TEST(Span, ShoutsInThePlural) {
  const auto shouted = [](std::string_view text) {
    return parse_span(text, Units::with_milliseconds)->shouted();
  };
  EXPECT_EQ(shouted("10 seconds"), "10 SECONDS");
  EXPECT_EQ(shouted("1 minute"), "1 MINUTES");
  EXPECT_EQ(shouted("007 Days"), "7 DAYS");
  EXPECT_EQ(shouted("500 milliseconds"), "500 MILLISECONDS");
  EXPECT_EQ(parse_span("10 Seconds", Units::whole_seconds)->text, "10 Seconds");
}

}  // namespace
}  // namespace millrace::rules
