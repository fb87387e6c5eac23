// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amqp/wire.hpp"
#include "millrace/base/uuid.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/messaging/amqp_connection.hpp"
#include "stream.hpp"

namespace millrace::messaging {

/// A content on its way in: of a delivery, or of a message that is given back.
struct IncomingContent {
  AmqpMessage message;
  std::optional<std::string> returned;  ///< why
  std::size_t begin = 0;                ///< of the body, among the bodies
  std::uint64_t missing = 0;
  bool has_header = false;
};

/// The conversation of one connection: what arrives is put where the tasks that wait find it.
class AmqpConnection::Session final : public Stream::Listener {
 public:
  static Result<std::unique_ptr<Session>> create(MainLoop& loop, AmqpOptions options);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  Task<Result<>> open();
  /// Sends a method of the channel and waits for its answer, whose text (a queue's name) and number
  /// (of messages) are kept in `answer_`.
  struct Answer {
    amqp_method_number_t id = 0;
    std::string text;
    std::uint32_t number = 0;
  };
  Task<Result<Answer>> call(amqp_method_number_t id, void* method, amqp_method_number_t answer);
  Task<Result<AmqpBatch>> receive();
  void settle(amqp_method_number_t id, void* method);
  Task<Result<>> publish(AmqpOutgoing message);
  const std::optional<Error>& failure() const { return failure_; }

 private:
  struct Outgoing;
  struct Arrived {
    AmqpMessage message;
    std::size_t begin;
    std::size_t size;
  };

  Session(MainLoop& loop, AmqpOptions options);
  Task<Result<>> shake_hands();
  Result<> send(std::uint16_t channel, amqp_method_number_t id, void* method);
  Result<> send_start_ok();
  Task<Result<>> expect(amqp_method_number_t answer);

  void on_open() override;
  std::size_t on_bytes(std::string_view bytes) override;
  void on_end(Error why) override;
  Result<> on_frame(const amqp::Frame& frame);
  Result<> on_method(const amqp::Frame& frame);
  Result<> on_header(std::string_view payload);
  Result<> on_body(std::string_view payload);
  void on_content();
  void on_delivery(const amqp_basic_deliver_t& deliver);
  void on_return(const amqp_basic_return_t& returned);
  void on_confirm(std::uint64_t number, bool multiple, const Result<>& outcome);
  void on_tune(const amqp_connection_tune_t& tune);
  void on_close(std::uint16_t code, std::string_view text);
  void answer(Answer answer);

  Task<Result<>> wait_for_room(std::size_t bytes, const Outgoing& outgoing);
  Task<Result<>> confirm(AmqpOutgoing message, Outgoing& outgoing);
  Result<> put_message(const AmqpOutgoing& message, const std::string& id);
  void beat();
  void fail_with(Error why);

  MainLoop& loop_;
  const AmqpOptions options_;
  std::shared_ptr<Stream> stream_;
  amqp::Pool pool_;
  std::optional<Error> failure_;
  bool is_open_ = false;     // of the stream
  bool is_greeting_ = true;  // until the connection may be used
  Waiters changed_;          // an answer, a message, or the end

  std::optional<Answer> answer_;
  std::optional<IncomingContent> incoming_;
  std::vector<Arrived> arrived_;
  std::string bodies_;

  Duration heartbeat_{};
  std::optional<MainLoop::TimerId> timer_;
  bool heard_ = false;  // anything since the last beat
  int silent_beats_ = 0;
  bool paused_ = false;

  bool confirms_ = false;
  UuidGenerator uuids_;
  std::uint64_t published_ = 0;
  std::map<std::uint64_t, Outgoing*> unconfirmed_;
  std::size_t unconfirmed_bytes_ = 0;
  Waiters room_;
};

}  // namespace millrace::messaging
