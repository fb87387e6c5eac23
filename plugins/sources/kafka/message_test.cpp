// SPDX-License-Identifier: Apache-2.0
#include "message.hpp"

#include <gtest/gtest.h>

#include "millrace/event/json.hpp"

namespace millrace::kafka {
namespace {

class Meta : public ::testing::Test {
 protected:
  MessageMeta meta(std::int64_t timestamp = -1) const {
    return MessageMeta({std::make_shared<Assignment>(Assignment{.topic = "eda"}), 42, timestamp},
                       encoding_);
  }
  TextDecoder encoding_;
};

constexpr auto* kMade = "5cf311be-f518-5d1e-9713-1ff1d577125e";

TEST_F(Meta, SaysWhereAndWhenAMessageWasWritten) {
  EXPECT_EQ(to_json(meta(1708714664000).make_meta()),
            fmt::format(R"({{"source_offset":"eda:0:42","produced_at":"2024-02-23T18:57:44Z",)"
                        R"("headers":{{}},"uuid":"{}"}})",
                        kMade));
  EXPECT_EQ(meta(1708714664481).make_meta().at("produced_at"),
            Value("2024-02-23T18:57:44.481000Z"));
  EXPECT_FALSE(meta().make_meta().contains("produced_at"));
}

TEST_F(Meta, HasHeadersAndKeyAsText) {
  auto made = meta();
  made.add_header({"foo", "first"});
  made.add_header({"foo", "last"});
  made.set_key("k");
  EXPECT_EQ(made.make_meta().at("headers"), Value(Object{{"foo", "last"}}));
  EXPECT_EQ(made.make_meta().at("key"), Value("k"));
}

TEST_F(Meta, HasNoHeadersWhenOneCannotBeRead) {
  auto made = meta();
  made.add_header({"good", "text"});
  made.add_header({"bad", "\xff"});
  made.set_key("\xff");
  EXPECT_FALSE(made.make_meta().contains("headers"));
  EXPECT_FALSE(made.make_meta().contains("key"));
}

TEST_F(Meta, TakesTheUuidOfAHeaderThenOfTheBody) {
  constexpr auto* kHeader = "{6BA7B812-9dad-11d1-80b4-00c04fd430c8}";
  constexpr auto* kBody = R"({"message_uuid":"urn:uuid:6ba7b812-9dad-11d1-80b4-00c04fd430c8"})";
  auto made = meta();
  made.set_body_text(kBody);
  EXPECT_EQ(made.make_meta().at("uuid"), Value("urn:uuid:6ba7b812-9dad-11d1-80b4-00c04fd430c8"));
  made.add_header({"message_uuid", kHeader});
  EXPECT_EQ(made.make_meta().at("uuid"), Value(kHeader));
  EXPECT_FALSE(made.make_meta().contains("message_id"));
}

TEST_F(Meta, KeepsAnIdThatIsNoUuid) {
  auto made = meta();
  made.set_body_text(R"({"message_uuid":5})");
  EXPECT_EQ(made.make_meta().at("message_id"), Value(5));
  EXPECT_EQ(made.make_meta().at("uuid"), Value(kMade));
}

TEST(Falsy, IsWhatPythonTakesForFalse) {
  for (const auto* text : {"null", "false", "0", "0.0", "-0.0", "\"\"", "[]", "{}"})
    EXPECT_TRUE(is_falsy(*parse_json(text))) << text;
  for (const auto* text : {"true", "1", "0.1", "\" \"", "[0]", R"({"a":null})"})
    EXPECT_FALSE(is_falsy(*parse_json(text))) << text;
}

TEST(TextDecoder, KnowsEncodingsByPythonsNames) {
  EXPECT_TRUE(TextDecoder::of("UTF_8")->is_utf8());
  EXPECT_EQ(TextDecoder::of("latin-1")->decode("\xe9"), "é");
  EXPECT_EQ(TextDecoder::of("utf-16-le")->decode(std::string_view("a\0", 2)), "a");
  EXPECT_EQ(TextDecoder::of("utf-8-sig")->decode("\xef\xbb\xbfx"), "x");
  EXPECT_EQ(TextDecoder::of("ascii")->decode("\xe9"), std::nullopt);
  EXPECT_EQ(TextDecoder::of("utf-8")->decode("\xe9"), std::nullopt);
  EXPECT_FALSE(TextDecoder::of("no-such"));
  EXPECT_FALSE(TextDecoder::of("ascii//TRANSLIT"));
}

}  // namespace
}  // namespace millrace::kafka
