// SPDX-License-Identifier: Apache-2.0
// Packets of MQTT 3.1.1 (OASIS standard, 29 October 2014); nothing here knows where they come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/messaging/mqtt_connection.hpp"

namespace millrace::messaging::mqtt {

enum class Kind : std::uint8_t {
  connect = 1,
  connack,
  publish,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  pingreq,
  pingresp,
  disconnect,
};

/// The longest topic, and what stands around it: as much of a packet tells what it is about.
inline constexpr std::size_t kLongestHead = 65535 + 16;

/// A packet, or its beginning.
struct Packet {
  Kind kind = Kind::connect;
  std::uint8_t flags = 0;
  std::size_t head = 0;   ///< bytes before what follows
  std::size_t size = 0;   ///< bytes that follow
  std::string_view rest;  ///< those of them that are there
};

/// Nothing if not even its length is there. Errors: corrupt.
Result<std::optional<Packet>> read_packet(std::string_view bytes);

struct Publish {
  std::string_view topic;
  std::uint16_t id = 0;  ///< 0: QoS 0
  int qos = 0;
  bool retain = false;
  bool duplicate = false;
  std::size_t body_at = 0;  ///< into the packet's rest
};
/// The packet must have kLongestHead bytes, or all of its own. Errors: corrupt.
Result<Publish> read_publish(const Packet& packet);

/// The first two bytes, a number: of most packets, which message they are about. Errors: corrupt.
Result<std::uint16_t> read_id(const Packet& packet);

/// Errors: invalid_settings, for texts that are too long.
Result<> put_connect(std::string& out, const MqttOptions& options);
Result<> put_subscribe(std::string& out, std::uint16_t id, const std::vector<MqttTopic>& topics);
Result<> put_publish(std::string& out, std::uint16_t id, const MqttOutgoing& message);
/// puback, pubrec, pubcomp.
void put_answer(std::string& out, Kind kind, std::uint16_t id);
/// pingreq, disconnect.
void put_empty(std::string& out, Kind kind);

}  // namespace millrace::messaging::mqtt
