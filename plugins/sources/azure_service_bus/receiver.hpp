// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "amqp_connection.hpp"
#include "amqp_message.hpp"
#include "connection_string.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/plugin/source.hpp"
#include "request_link.hpp"

namespace millrace::azure_service_bus {

struct ReceiverOptions {
  enum class Authorization {
    cbs,    ///< a signed token is put at the node $cbs, before and then again and again
    plain,  ///< SASL PLAIN with the name of the key and the key; no tokens
  };
  ConnectionString peer;
  std::string address;  ///< of the queue, or of the subscription
  Authorization authorization = Authorization::cbs;
  std::size_t prefetch = 1;  ///< messages that may be here and not settled
  Duration token_lifetime{};
  Duration idle_timeout{};
  std::string authorities = {};  ///< PEM file; empty: the system's
};

/// Receives over one connection, until that is lost; emits each message, and settles it with the
/// peer when the engine has. Shared, because deliveries in the engine may outlive it: they find
/// nobody then, and the peer sends the message again.
class Receiver : public std::enable_shared_from_this<Receiver> {
 public:
  Receiver(SourceContext& context, const ReceiverOptions& options);

  struct End {
    Error why;
    bool is_final = false;  ///< cancelled, or what emit() ends the source with
  };
  /// Until the connection has ended.
  Task<End> run();
  /// Whether it came so far that messages could be received.
  bool was_up() const { return was_up_; }

 private:
  class Handle;
  /// A message that the peer keeps for us.
  struct Held {
    pn_delivery_t* delivery = nullptr;  ///< gone when its link has; then there is the lock
    std::string lock = {};              ///< its token; empty: the peer knows no locks
    Instant renew_at = Instant::max();
    bool told = false;  ///< the peer was told the outcome and has not confirmed it yet
  };
  struct Arrived {
    std::uint64_t number = 0;
    AmqpMessage message;
  };

  Task<> carry();
  Task<> watch();
  Task<Result<>> emit_next();
  Task<> say_goodbye();
  void end(Error why);

  void on_event(pn_event_t& event);
  void on_link_event(pn_event_t& event, pn_link_t* link);
  void on_delivery(pn_delivery_t* delivery);
  void on_remote_open();
  void on_detached(pn_condition_t* condition);
  void on_management_lost(const Error& why);

  void put_token();
  void on_token_answer(const AmqpMessage& answer);
  void attach();
  void on_attached();
  void top_up();

  void take_part(pn_delivery_t* delivery);
  void take_message(pn_delivery_t* delivery);
  void refuse(pn_delivery_t* delivery, const Error& why);

  void settle(std::uint64_t number, std::uint64_t outcome);
  void settle_by_lock(std::uint64_t number, std::uint64_t outcome);
  void abandon(std::uint64_t number);
  void confirmed(std::uint64_t number, bool done);
  void ask_management(std::string_view operation, const std::string& lock,
                      std::string_view disposition, RequestLink::OnAnswer on_answer);
  void renew_locks();
  void set_renewal(Held& held, std::optional<WallTime> locked_until);
  void on_renewed(std::uint64_t number, const AmqpMessage& answer);

  SourceContext& context_;
  const ReceiverOptions& options_;
  AmqpConnection connection_;
  TaskGroup tasks_;
  Waiters changed_;
  std::optional<Error> outcome_;
  bool closing_ = false;
  bool was_up_ = false;

  pn_session_t* session_ = nullptr;
  std::unique_ptr<RequestLink> cbs_;
  std::unique_ptr<RequestLink> management_;
  bool told_of_management_ = false;
  pn_link_t* link_ = nullptr;  ///< messages arrive here
  bool attached_ = false;
  bool detached_ = false;  ///< to be attached again
  int attaches_ = 0;
  Instant attach_limit_ = Instant::max();
  Instant token_due_ = Instant::max();

  std::string part_;  ///< of the message that is arriving
  bool too_large_ = false;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Held> held_;
  std::deque<Arrived> arrived_;  ///< not emitted yet; at most `prefetch`
};

}  // namespace millrace::azure_service_bus
