// SPDX-License-Identifier: Apache-2.0
#include "mqtt/packets.hpp"

#include <gtest/gtest.h>

#include <string>

namespace millrace::messaging::mqtt {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

std::string publish(std::string_view body) {
  std::string bytes;
  EXPECT_TRUE(put_publish(bytes, 7, {.topic = "a/b", .body = std::string(body), .retain = true}));
  return bytes;
}

TEST(MqttPackets, WritesWhatTheStandardShows) {
  std::string bytes;
  ASSERT_TRUE(put_connect(bytes, {.client_id = "me",
                                  .clean_session = false,
                                  .username = "u",
                                  .password = "p",
                                  .keepalive = std::chrono::seconds(10)}));
  EXPECT_EQ(bytes, "\x10\x14\0\4MQTT\4\xC0\0\x0A\0\2me\0\1u\0\1p"s);
  bytes.clear();
  ASSERT_TRUE(put_subscribe(bytes, 10, {{"a/b", 1}, {"c/d", 2}}));
  EXPECT_EQ(bytes, "\x82\x0E\0\x0A\0\3a/b\1\0\3c/d\2"s);
  bytes.clear();
  put_answer(bytes, Kind::puback, 0x0102);
  put_empty(bytes, Kind::pingreq);
  EXPECT_EQ(bytes, "\x40\2\1\2\xC0\0"s);
}

TEST(MqttPackets, ReadsTheMessagesThatItWrites) {
  const auto bytes = publish("hello");
  const auto packet = read_packet(bytes);
  ASSERT_TRUE(packet && *packet);
  EXPECT_EQ((*packet)->kind, Kind::publish);
  EXPECT_EQ((*packet)->rest.size(), (*packet)->size);
  const auto read = read_publish(**packet);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->topic, "a/b");
  EXPECT_EQ(read->id, 7);
  EXPECT_EQ(read->qos, 1);
  EXPECT_TRUE(read->retain);
  EXPECT_FALSE(read->duplicate);
  EXPECT_EQ((*packet)->rest.substr(read->body_at), "hello");
}

TEST(MqttPackets, TellsTheSizeOfWhatIsNotThereYet) {
  const auto bytes = publish(std::string(300'000, 'x'));
  EXPECT_FALSE(*read_packet(bytes.substr(0, 3)));
  const auto packet = read_packet(bytes.substr(0, 100));
  ASSERT_TRUE(packet && *packet);
  EXPECT_EQ((*packet)->head + (*packet)->size, bytes.size());
  EXPECT_EQ((*packet)->rest.size(), 96U);
}

TEST(MqttPackets, RefusesWhatIsMalformed) {
  EXPECT_FALSE(read_packet("\x30\xFF\xFF\xFF\xFF\x01"sv));
  const auto error_of = [](std::string_view bytes) {
    const auto packet = read_packet(bytes);
    return packet && *packet && !read_publish(**packet);
  };
  EXPECT_TRUE(error_of("\x30\0"sv));
  EXPECT_TRUE(error_of("\x30\2\0\5"sv));       // a topic longer than the packet
  EXPECT_TRUE(error_of("\x32\3\0\1a"sv));      // no number
  EXPECT_TRUE(error_of("\x32\5\0\1a\0\0"sv));  // number zero
  EXPECT_TRUE(error_of("\x36\5\0\1a\0\1"sv));  // QoS 3
}

TEST(MqttPackets, RefusesWhatCannotBeSent) {
  std::string bytes;
  EXPECT_FALSE(put_publish(bytes, 1, {.topic = "", .body = ""}));
  EXPECT_FALSE(put_publish(bytes, 1, {.topic = "a/#", .body = ""}));
  EXPECT_FALSE(put_publish(bytes, 1, {.topic = "a\0b"s, .body = ""}));
  EXPECT_FALSE(put_connect(bytes, {.client_id = std::string(70'000, 'x')}));
  EXPECT_EQ(bytes, "");
}

}  // namespace
}  // namespace millrace::messaging::mqtt
