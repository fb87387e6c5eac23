// SPDX-License-Identifier: Apache-2.0
#include "amqp_message.hpp"

#include <gtest/gtest.h>
#include <proton/codec.h>

#include <array>
#include <memory>
#include <string>

#include "millrace/event/json.hpp"

namespace millrace::azure_service_bus {
namespace {

template <class... Args>
std::string encode(const char* format, Args... args) {
  const std::unique_ptr<pn_data_t, decltype(&pn_data_free)> data(pn_data(0), pn_data_free);
  if (pn_data_fill(data.get(), format, args...) != 0) return "cannot be encoded";
  std::string bytes(4096, '\0');
  const auto size = pn_data_encode(data.get(), bytes.data(), bytes.size());
  bytes.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return bytes;
}

std::string data_section(std::string_view text) {
  return encode("DLz", std::uint64_t{0x75}, text.size(), text.data());
}

std::string body(const std::string& bytes) {
  auto message = decode_message(bytes);
  return message ? to_json(body_of(std::move(*message))) : message.error().message();
}

TEST(AmqpMessage, HasABodyOfJsonOrText) {
  EXPECT_EQ(body(data_section(R"({"a": [1, 2.5]})")), R"({"a":[1,2.5]})");
  EXPECT_EQ(body(data_section("5")), "5");
  EXPECT_EQ(body(data_section("Hello {")), R"("Hello {")");
  EXPECT_EQ(body(data_section("")), R"("")");
  EXPECT_EQ(body(data_section("\xff!")), "\"\xEF\xBF\xBD!\"");
  EXPECT_EQ(body(""), "null");
}

TEST(AmqpMessage, JoinsItsDataSections) {
  EXPECT_EQ(body(data_section("{\"a\": \"\xC3") + data_section("\xA4\"}")), "{\"a\":\"ä\"}");
}

TEST(AmqpMessage, IsJsonAlsoOfOtherTypes) {
  EXPECT_EQ(body(encode("DL[Sion]", std::uint64_t{0x77}, "list", 1, true)), R"(["list",1,true])");
  EXPECT_EQ(body(encode("DL{SIsd}", std::uint64_t{0x77}, "number", 7U, "half", 0.5)),
            R"({"number":7,"half":0.5})");
  EXPECT_EQ(body(encode("DLS", std::uint64_t{0x77}, R"({"in": "a string"})")),
            R"({"in":"a string"})");
  EXPECT_EQ(body(encode("DLL", std::uint64_t{0x77}, ~std::uint64_t{0})), "18446744073709551615");
  EXPECT_EQ(body(encode("DL[i]", std::uint64_t{0x76}, 1) + encode("DL[i]", std::uint64_t{0x76}, 2)),
            "[1,2]");
}

TEST(AmqpMessage, TellsItsIdAnnotationsAndProperties) {
  const auto message = decode_message(
      encode("DL{st}", std::uint64_t{0x72}, "x-opt-enqueued-time", std::int64_t{1700000000500}) +
      encode("DL[SnnnnL]", std::uint64_t{0x73}, "m1", std::uint64_t{9}) +
      encode("DL{Sl}", std::uint64_t{0x74}, "status-code", std::int64_t{202}));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->id, Value("m1"));
  EXPECT_EQ(message->correlation_id, Value(9));
  EXPECT_EQ(find_time(message->annotations, "x-opt-enqueued-time"),
            WallTime(std::chrono::milliseconds(1700000000500)));
  EXPECT_EQ(find_integer(message->properties, "status-code"), 202);
  EXPECT_EQ(find_integer(message->properties, "other"), std::nullopt);
}

TEST(AmqpMessage, IsNotMadeOfAnyBytes) {
  EXPECT_EQ(body("nonsense"), "not a message of AMQP");
  EXPECT_EQ(body(encode("S", "text")), "not a message of AMQP");
  const auto whole = data_section("text");
  EXPECT_EQ(body(whole.substr(0, whole.size() - 1)), "not a message of AMQP");
}

}  // namespace
}  // namespace millrace::azure_service_bus
