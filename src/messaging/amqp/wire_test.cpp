// SPDX-License-Identifier: Apache-2.0
#include "amqp/wire.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "millrace/event/json.hpp"

namespace millrace::messaging::amqp {
namespace {

// The frames of `bytes`, all whole.
std::vector<Frame> frames_of(std::string_view bytes) {
  std::vector<Frame> frames;
  while (!bytes.empty()) {
    const auto frame = take_frame(bytes);
    if (!frame || !*frame) {
      ADD_FAILURE() << "no frame in " << bytes.size() << " bytes";
      break;
    }
    frames.push_back(**frame);
  }
  return frames;
}

TEST(AmqpWire, ReadsTheMethodsThatItWrites) {
  std::string bytes;
  amqp_basic_ack_t ack{.delivery_tag = 0x0102030405060708, .multiple = 1};
  ASSERT_TRUE(put_method(bytes, 7, AMQP_BASIC_ACK_METHOD, &ack));
  put_heartbeat(bytes);

  const auto frames = frames_of(bytes);

  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].channel, 7);
  Pool pool;
  const auto method = read_method(frames[0].payload, pool);
  ASSERT_TRUE(method);
  ASSERT_EQ(method->id, AMQP_BASIC_ACK_METHOD);
  EXPECT_EQ(static_cast<amqp_basic_ack_t*>(method->decoded)->delivery_tag, 0x0102030405060708U);
  EXPECT_EQ(frames[1].type, AMQP_FRAME_HEARTBEAT);
}

TEST(AmqpWire, WaitsForTheRestOfAFrame) {
  std::string bytes;
  amqp_basic_ack_t ack{.delivery_tag = 1, .multiple = 0};
  ASSERT_TRUE(put_method(bytes, 1, AMQP_BASIC_ACK_METHOD, &ack));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    auto part = std::string_view(bytes).substr(0, size);
    const auto frame = take_frame(part);
    ASSERT_TRUE(frame);
    EXPECT_FALSE(*frame);
    EXPECT_EQ(part.size(), size);
  }
}

TEST(AmqpWire, CarriesHeadersOfAllKinds) {
  const auto headers = parse_json(
      R"({"text": "ä", "whole": -7, "real": 1.5, "yes": true, "none": null,
          "list": [1, ["two"], {"three": 3}], "deep": {"a": {"b": "c"}}})");
  const Table table(headers->as_object());
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG;
  properties.headers = table.get();
  properties.content_type = bytes_of("text/plain");
  std::string bytes;
  ASSERT_TRUE(put_content(bytes, 1, properties, "hello"));

  const auto frames = frames_of(bytes);

  ASSERT_EQ(frames.size(), 2U);
  Pool pool;
  const auto header = read_header(frames[0].payload, pool);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->body_size, 5U);
  EXPECT_EQ(header->properties.at("headers"), *headers);
  EXPECT_EQ(header->properties.at("content_type"), Value("text/plain"));
  EXPECT_EQ(header->properties.size(), 2U);
  EXPECT_EQ(frames[1].payload, "hello");
}

TEST(AmqpWire, CutsTablesThatAreTooDeep) {
  // Arrays within arrays, as many as fit into a frame.
  constexpr std::size_t kDepth = 12'000;
  std::string array;
  for (std::size_t inner = 0; array.size() < kDepth * 5; inner = array.size()) {
    std::string outer = "A";
    for (int shift = 24; shift >= 0; shift -= 8) outer += static_cast<char>(inner >> shift & 0xFF);
    array.insert(0, outer);
  }
  const auto number = [](std::size_t value, int bytes) {
    std::string text;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
      text += static_cast<char>(value >> shift & 0xFF);
    return text;
  };
  const auto table = "\1k" + array;
  const auto payload = number(AMQP_BASIC_CLASS, 2) + number(0, 2) + number(0, 8) +
                       number(AMQP_BASIC_HEADERS_FLAG, 2) + number(table.size(), 4) + table;
  Pool pool;
  const auto header = read_header(payload, pool);
  ASSERT_TRUE(header);
  EXPECT_LT(boost::json::serialize(header->properties).size(), 200U);
}

TEST(AmqpWire, SplitsLargeBodies) {
  const std::string body(200'000, 'x');
  std::string bytes;
  ASSERT_TRUE(put_content(bytes, 1, {}, body));
  std::string together;
  for (const auto& frame : frames_of(bytes)) {
    EXPECT_LE(frame.payload.size(), kFrameMax);
    if (frame.type == AMQP_FRAME_BODY) together += frame.payload;
  }
  EXPECT_EQ(together, body);
}

TEST(AmqpWire, RefusesHeadersThatDoNotFitIntoAFrame) {
  const Table table(Object{{"long", std::string(100'000, 'x')}});
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_HEADERS_FLAG;
  properties.headers = table.get();
  std::string bytes;
  EXPECT_EQ(put_content(bytes, 1, properties, "").error().code(), Errc::invalid_settings);
}

TEST(AmqpWire, RefusesWhatIsNoAmqp) {
  const auto error_of = [](std::string_view bytes) {
    const auto frame = take_frame(bytes);
    return frame ? Errc::cancelled : frame.error().code();
  };
  EXPECT_EQ(error_of(std::string_view("AMQP\0\0\x9\x1", 8)), Errc::corrupt);
  EXPECT_EQ(error_of("HTTP/1.1 400 Bad Request"), Errc::corrupt);
  EXPECT_EQ(error_of(std::string_view("\1\0\1\0\0\0\1xx", 9)), Errc::corrupt);
  Pool pool;
  EXPECT_EQ(read_method("ab", pool).error().code(), Errc::corrupt);
  EXPECT_EQ(read_method("nonsense", pool).error().code(), Errc::corrupt);
  EXPECT_EQ(read_header(std::string(11, '\0'), pool).error().code(), Errc::corrupt);
  EXPECT_EQ(read_header(std::string(20, '\xFF'), pool).error().code(), Errc::corrupt);
}

}  // namespace
}  // namespace millrace::messaging::amqp
