// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proton/engine.h>
#include <proton/message.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "amqp_message.hpp"

namespace millrace::azure_service_bus {

using OutgoingMessage = std::unique_ptr<pn_message_t, decltype(&pn_message_free)>;

/// A message with a property `operation`.
OutgoingMessage make_request(std::string_view operation);
void put_text(pn_data_t* into, std::string_view text);

/// Asks a node of the peer and gets answers: a pair of links. It belongs to a session of the
/// library, which must outlive it. Loop thread only.
class RequestLink {
 public:
  using OnAnswer = std::function<void(const AmqpMessage&)>;

  RequestLink(pn_session_t* session, const std::string& address);
  RequestLink(const RequestLink&) = delete;
  RequestLink& operator=(const RequestLink&) = delete;
  ~RequestLink();  ///< closes the links

  bool owns(const pn_link_t* link) const { return link == sender_ || link == receiver_; }
  /// `on_answer` is not called when the links or the connection end before.
  void send(OutgoingMessage request, OnAnswer on_answer);
  void on_flow();
  void on_delivery(pn_delivery_t* delivery);

 private:
  const std::string address_;
  pn_link_t* const sender_;
  pn_link_t* const receiver_;
  std::uint64_t last_id_ = 0;
  std::deque<std::string> waiting_;  ///< encoded requests for which there is no credit yet
  std::map<std::int64_t, OnAnswer> asked_;
};

}  // namespace millrace::azure_service_bus
