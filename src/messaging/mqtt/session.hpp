// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/loop/channel.hpp"
#include "millrace/messaging/mqtt_connection.hpp"
#include "mqtt/packets.hpp"
#include "stream.hpp"

namespace millrace::messaging {

/// The conversation of one connection: what arrives is put where the tasks that wait find it.
class MqttConnection::Session final : public Stream::Listener {
 public:
  static Result<std::unique_ptr<Session>> create(MainLoop& loop, MqttOptions options);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  Task<Result<>> open();
  Task<Result<>> subscribe(std::vector<MqttTopic> topics);
  Task<Result<MqttBatch>> receive();
  void acknowledge_up_to(std::uint64_t number);
  Task<Result<>> publish(MqttOutgoing message);
  const std::optional<Error>& failure() const { return failure_; }

 private:
  struct Outgoing;
  struct Arrived {
    MqttMessage message;
    std::size_t begin;
    std::size_t size;
  };
  /// A message of the broker that it wants to be told of.
  struct Unacknowledged {
    std::uint64_t number;
    std::uint16_t id;
    int qos;
  };

  Session(MainLoop& loop, MqttOptions options);

  void on_open() override;
  std::size_t on_bytes(std::string_view bytes) override;
  void on_end(Error why) override;
  void read_packets();
  Result<> on_packet(const mqtt::Packet& packet);
  Result<> on_publish(const mqtt::Packet& packet);
  Result<> on_connack(const mqtt::Packet& packet);
  Result<> on_suback(const mqtt::Packet& packet);
  void beat();
  void fail_with(Error why);
  Task<Result<>> wait_until_answered(std::optional<Result<>>& answer);
  Task<Result<>> confirm(const MqttOutgoing& message, Outgoing& outgoing);
  std::uint16_t next_id();

  MainLoop& loop_;
  const MqttOptions options_;
  std::shared_ptr<Stream> stream_;
  std::optional<Error> failure_;
  Waiters changed_;  // an answer, a message, or the end
  std::optional<Result<>> connected_;
  std::optional<Result<>> subscribed_;

  std::string input_;         // a packet that is not whole
  std::size_t skipping_ = 0;  // bytes of a message that is too large
  std::vector<Arrived> arrived_;
  std::string bodies_;
  std::uint64_t received_ = 0;
  std::deque<Unacknowledged> unacknowledged_;
  bool paused_ = false;

  std::optional<MainLoop::TimerId> timer_;
  bool heard_ = false;  // anything since the last beat
  int silent_beats_ = 0;

  std::uint16_t last_id_ = 0;
  std::map<std::uint16_t, Outgoing*> unconfirmed_;
  std::size_t unconfirmed_bytes_ = 0;
  Waiters room_;
};

}  // namespace millrace::messaging
