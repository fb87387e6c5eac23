// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/body_event.hpp"

#include <gtest/gtest.h>

#include <string>

namespace millrace::messaging {
namespace {

TEST(BodyEvent, LeavesJsonAsTheTextThatItIs) {
  for (const auto* json : {R"({"a": 1})", "[1]", "5", "null", R"("x")", " {} "}) {
    const std::string text = json + std::string(kTextPadding, '\0');
    const auto body = std::string_view(text).substr(0, std::string_view(json).size());
    const auto event = event_of_body(body, BodyFormat::automatic, {});
    EXPECT_TRUE(event.is_text()) << json;
    EXPECT_EQ(event.text(), json);
    EXPECT_EQ(event.wrap_key(), "body");
  }
}

TEST(BodyEvent, TakesAnythingElseAsText) {
  for (const auto* text : {"plain", "", "{broken", "1 2"}) {
    const auto event = event_of_body(text, BodyFormat::automatic, {});
    EXPECT_FALSE(event.is_text());
    EXPECT_EQ(event.data(), Value(text));
  }
  EXPECT_EQ(event_of_body("5", BodyFormat::text, {}).data(), Value("5"));
}

TEST(BodyEvent, LeavesWhatIsNeitherToTheEngineToRefuse) {
  EXPECT_TRUE(event_of_body("\xFF", BodyFormat::automatic, {}).is_text());
  EXPECT_TRUE(event_of_body("\xFF", BodyFormat::text, {}).is_text());
  EXPECT_TRUE(event_of_body("plain", BodyFormat::json, {}).is_text());
}

}  // namespace
}  // namespace millrace::messaging
