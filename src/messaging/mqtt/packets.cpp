// SPDX-License-Identifier: Apache-2.0
#include "mqtt/packets.hpp"

#include <algorithm>
#include <chrono>

namespace millrace::messaging::mqtt {
namespace {

constexpr std::size_t kLongestText = 65535;
constexpr std::size_t kLargestPacket = 268'435'455;
constexpr int kLengthBytes = 4;
constexpr int kHighBit = 0x80;

constexpr std::uint8_t kCleanSession = 0x02;
constexpr std::uint8_t kHasPassword = 0x40;
constexpr std::uint8_t kHasUsername = 0x80;
constexpr std::uint8_t kQos1 = 0x02;
constexpr std::uint8_t kSubscribeFlags = 0x02;

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

void put_number(std::string& out, std::size_t number) {
  out += static_cast<char>(number >> 8 & 0xFF);
  out += static_cast<char>(number & 0xFF);
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

void put_head(std::string& out, Kind kind, std::uint8_t flags, std::size_t size) {
  out += static_cast<char>(static_cast<unsigned>(kind) << 4 | flags);
  do {
    const auto low = size % kHighBit;
    size /= kHighBit;
    out += static_cast<char>(size > 0 ? low | kHighBit : low);
  } while (size > 0);
}

Result<> check_text(std::string_view what, std::string_view text) {
  if (text.size() <= kLongestText && !text.contains('\0')) return {};
  return fail(Errc::invalid_settings, "{} is longer than {} bytes, or has a zero in it", what,
              kLongestText);
}

}  // namespace

Result<std::optional<Packet>> read_packet(std::string_view bytes) {
  std::size_t size = 0;
  for (int i = 0; i < kLengthBytes; ++i) {
    const auto at = static_cast<std::size_t>(i) + 1;
    if (bytes.size() <= at) return std::optional<Packet>();
    const auto byte = static_cast<unsigned char>(bytes[at]);
    size |= static_cast<std::size_t>(byte % kHighBit) << (7 * i);
    if (byte >= kHighBit) continue;
    const auto first = static_cast<unsigned char>(bytes[0]);
    return std::optional(Packet{.kind = static_cast<Kind>(first >> 4),
                                .flags = static_cast<std::uint8_t>(first & 0xF),
                                .head = at + 1,
                                .size = size,
                                .rest = bytes.substr(at + 1, size)});
  }
  return fail(Errc::corrupt, "the peer sent what is no MQTT");
}

Result<Publish> read_publish(const Packet& packet) {
  Publish publish{.qos = packet.flags >> 1 & 3,
                  .retain = (packet.flags & 1) != 0,
                  .duplicate = (packet.flags & 8) != 0};
  const auto& rest = packet.rest;
  const std::size_t id_size = publish.qos > 0 ? 2 : 0;
  if (publish.qos > 2 || rest.size() < 2) return fail(Errc::corrupt, "a message is malformed");
  const std::size_t topic_size = number_at(rest, 0);
  publish.body_at = 2 + topic_size + id_size;
  if (rest.size() < publish.body_at) return fail(Errc::corrupt, "a message is cut short");
  publish.topic = rest.substr(2, topic_size);
  if (id_size > 0) publish.id = number_at(rest, 2 + topic_size);
  if (publish.qos > 0 && publish.id == 0) return fail(Errc::corrupt, "a message has no number");
  return publish;
}

Result<std::uint16_t> read_id(const Packet& packet) {
  if (packet.rest.size() < 2) return fail(Errc::corrupt, "a packet is cut short");
  return number_at(packet.rest, 0);
}

Result<> put_connect(std::string& out, const MqttOptions& options) {
  for (const auto& [what, text] :
       {std::pair<std::string_view, std::string_view>{"client_id", options.client_id},
        {"username", options.username},
        {"password", options.password}}) {
    if (auto checked = check_text(what, text); !checked) return checked;
  }
  std::uint8_t flags = options.clean_session ? kCleanSession : 0;
  if (!options.username.empty()) flags |= kHasUsername;
  // Of version 3.1.1: no password without a name.
  if (!options.username.empty() && !options.password.empty()) flags |= kHasPassword;
  std::string body;
  put_text(body, "MQTT");
  body += '\4';  // the version
  body += static_cast<char>(flags);
  const auto keepalive = std::chrono::ceil<std::chrono::seconds>(options.keepalive).count();
  put_number(body, static_cast<std::size_t>(std::clamp<std::int64_t>(keepalive, 0, 0xFFFF)));
  put_text(body, options.client_id);
  if ((flags & kHasUsername) != 0) put_text(body, options.username);
  if ((flags & kHasPassword) != 0) put_text(body, options.password);
  put_head(out, Kind::connect, 0, body.size());
  out += body;
  return {};
}

Result<> put_subscribe(std::string& out, std::uint16_t id, const std::vector<MqttTopic>& topics) {
  std::string body;
  put_number(body, id);
  for (const auto& topic : topics) {
    if (auto checked = check_text("a topic", topic.filter); !checked) return checked;
    put_text(body, topic.filter);
    body += static_cast<char>(topic.qos);
  }
  put_head(out, Kind::subscribe, kSubscribeFlags, body.size());
  out += body;
  return {};
}

Result<> put_publish(std::string& out, std::uint16_t id, const MqttOutgoing& message) {
  if (auto checked = check_text("the topic", message.topic); !checked) return checked;
  if (message.topic.empty() || message.topic.find_first_of("#+") != std::string::npos)
    return fail(Errc::invalid_settings, "the topic is empty or has a wildcard in it");
  const auto size = 2 + message.topic.size() + 2 + message.body.size();
  if (size > kLargestPacket)
    return fail(Errc::invalid_settings, "the message is larger than MQTT can carry");
  put_head(out, Kind::publish, static_cast<std::uint8_t>(kQos1 | (message.retain ? 1 : 0)), size);
  put_text(out, message.topic);
  put_number(out, id);
  out += message.body;
  return {};
}

void put_answer(std::string& out, Kind kind, std::uint16_t id) {
  put_head(out, kind, 0, 2);
  put_number(out, id);
}

void put_empty(std::string& out, Kind kind) { put_head(out, kind, 0, 0); }

}  // namespace millrace::messaging::mqtt
