// SPDX-License-Identifier: Apache-2.0
#include "request_link.hpp"

#include <proton/codec.h>
#include <proton/delivery.h>
#include <proton/link.h>
#include <proton/terminus.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace millrace::azure_service_bus {
namespace {

constexpr int kAnswers = 100;                  // that may come before credit is given again
constexpr std::size_t kAnswerBytes = 1 << 20;  // of one; what is longer is no answer

pn_link_t* open_link(pn_link_t* link, const std::string& address) {
  pn_terminus_set_address(pn_link_source(link), address.c_str());
  pn_terminus_set_address(pn_link_target(link), address.c_str());
  pn_link_open(link);
  return link;
}

// Of the delivery that has arrived as a whole.
Result<AmqpMessage> take_message(pn_link_t* link, pn_delivery_t* delivery) {
  std::string bytes(std::min(pn_delivery_pending(delivery), kAnswerBytes), '\0');
  const auto size = pn_link_recv(link, bytes.data(), bytes.size());
  bytes.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  pn_link_advance(link);
  return decode_message(bytes);
}

std::string encode(pn_message_t* message) {
  pn_rwbytes_t buffer{0, nullptr};
  const auto size = pn_message_encode2(message, &buffer);
  std::string bytes;
  if (size > 0) bytes.assign(buffer.start, static_cast<std::size_t>(size));
  std::free(buffer.start);  // NOLINT(cppcoreguidelines-no-malloc): the library's contract
  return bytes;
}

}  // namespace

void put_text(pn_data_t* into, std::string_view text) {
  pn_data_put_string(into, pn_bytes(text.size(), text.data()));
}

OutgoingMessage make_request(std::string_view operation) {
  OutgoingMessage request(pn_message(), pn_message_free);
  auto* properties = pn_message_properties(request.get());
  pn_data_put_map(properties);
  pn_data_enter(properties);
  put_text(properties, "operation");
  put_text(properties, operation);
  return request;  // still inside the map: the caller may add to it
}

RequestLink::RequestLink(pn_session_t* session, const std::string& address)
    : address_(address),
      sender_(open_link(pn_sender(session, (address + "-requests").c_str()), address)),
      receiver_(open_link(pn_receiver(session, (address + "-answers").c_str()), address)) {
  pn_link_flow(receiver_, kAnswers);
}

RequestLink::~RequestLink() {
  pn_link_close(sender_);
  pn_link_close(receiver_);
}

void RequestLink::send(OutgoingMessage request, OnAnswer on_answer) {
  const auto id = ++last_id_;
  pn_data_exit(pn_message_properties(request.get()));
  auto* its_id = pn_message_id(request.get());
  pn_data_clear(its_id);
  pn_data_put_ulong(its_id, id);
  pn_message_set_reply_to(request.get(), address_.c_str());
  waiting_.push_back(encode(request.get()));
  asked_.emplace(static_cast<std::int64_t>(id), std::move(on_answer));
  on_flow();
}

void RequestLink::on_flow() {
  while (!waiting_.empty() && pn_link_credit(sender_) > 0) {
    const auto tag = std::to_string(last_id_) + "." + std::to_string(waiting_.size());
    auto* delivery = pn_delivery(sender_, pn_dtag(tag.data(), tag.size()));
    pn_link_send(sender_, waiting_.front().data(), waiting_.front().size());
    pn_link_advance(sender_);
    pn_delivery_settle(delivery);  // the answer is what counts
    waiting_.pop_front();
  }
}

void RequestLink::on_delivery(pn_delivery_t* delivery) {
  if (pn_delivery_link(delivery) != receiver_ || !pn_delivery_readable(delivery) ||
      pn_delivery_partial(delivery)) {
    return;
  }
  const auto answer = take_message(receiver_, delivery);
  pn_delivery_update(delivery, PN_ACCEPTED);
  pn_delivery_settle(delivery);
  pn_link_flow(receiver_, 1);
  if (!answer || !answer->correlation_id.is_int64()) return;
  if (auto asked = asked_.extract(answer->correlation_id.get_int64())) asked.mapped()(*answer);
}

}  // namespace millrace::azure_service_bus
