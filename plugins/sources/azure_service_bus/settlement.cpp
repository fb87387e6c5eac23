// SPDX-License-Identifier: Apache-2.0
// What becomes of a message between its arrival and the moment in which the peer has forgotten it.
#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>

#include <algorithm>
#include <utility>

#include "event_of.hpp"
#include "lock_token.hpp"
#include "receiver.hpp"

namespace millrace::azure_service_bus {
namespace {

using namespace std::chrono_literals;

// A lock is taken to last at least and at most so long, whatever the clocks say.
constexpr Duration kShortestLock = 1s;
constexpr Duration kLongestLock = 5min;
constexpr std::uint32_t kManagementTime = 20'000;  // milliseconds

}  // namespace

/// The engine's end of a message; one that goes without a word has dropped it.
class Receiver::Handle {
 public:
  Handle(std::weak_ptr<Receiver> receiver, std::uint64_t number)
      : receiver_(std::move(receiver)), number_(number) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (const auto receiver = receiver_.lock()) receiver->abandon(number_);
  }
  void taken(bool refused) { refused_ = refused; }
  void settled() {
    if (const auto receiver = receiver_.lock())
      receiver->settle(number_, refused_ ? PN_REJECTED : PN_ACCEPTED);
  }

 private:
  const std::weak_ptr<Receiver> receiver_;
  const std::uint64_t number_;
  bool refused_ = false;
};

Task<Result<>> Receiver::emit_next() {
  auto arrived = std::move(arrived_.front());
  arrived_.pop_front();
  const auto handle = std::make_shared<Handle>(weak_from_this(), arrived.number);
  EventBatch batch;
  batch.events.emplace_back(event_of(std::move(arrived.message)));
  batch.delivery = {.taken = [handle](const auto& refused) { handle->taken(!refused.empty()); },
                    .settled = [handle] { handle->settled(); }};
  co_return co_await context_.emit(std::move(batch));
}

void Receiver::settle(std::uint64_t number, std::uint64_t outcome) {
  const auto found = held_.find(number);
  if (found == held_.end() || found->second.told) return;
  auto& held = found->second;
  held.told = true;
  held.renew_at = Instant::max();
  if (held.delivery == nullptr) {
    settle_by_lock(number, outcome);
  } else {
    pn_delivery_update(held.delivery, outcome);
    if (pn_link_remote_rcv_settle_mode(link_) != PN_RCV_SECOND) confirmed(number, true);
  }
  connection_.flush();
}

// The link that it came by has gone, its lock has not.
void Receiver::settle_by_lock(std::uint64_t number, std::uint64_t outcome) {
  const auto lock = held_.at(number).lock;
  if (lock.empty() || outcome == PN_RELEASED) return confirmed(number, false);
  ask_management("com.microsoft:update-disposition", lock,
                 outcome == PN_ACCEPTED ? "completed" : "suspended",
                 [this, number](const AmqpMessage& answer) {
                   confirmed(number, find_integer(answer.properties, "statusCode") == 200);
                 });
}

// Not done, and nobody knows why: its lock runs out, and it comes again.
void Receiver::abandon(std::uint64_t number) {
  const auto found = held_.find(number);
  if (found == held_.end() || found->second.told) return;
  found->second.renew_at = Instant::max();
  found->second.lock.clear();
}

void Receiver::confirmed(std::uint64_t number, bool done) {
  const auto found = held_.find(number);
  if (found == held_.end()) return;
  if (auto* delivery = found->second.delivery; delivery != nullptr) pn_delivery_settle(delivery);
  held_.erase(found);
  if (done) {
    ++context_.status().acknowledged;
  } else if (!closing_) {
    context_.log().warning(context_.log_name(),
                           "a message was locked no longer when it was settled: it comes again");
  }
  top_up();
  connection_.flush();
  changed_.notify_all();
}

void Receiver::ask_management(std::string_view operation, const std::string& lock,
                              std::string_view disposition, RequestLink::OnAnswer on_answer) {
  if (!management_)
    management_ = std::make_unique<RequestLink>(session_, options_.address + "/$management");
  auto request = make_request(operation);
  auto* properties = pn_message_properties(request.get());
  put_text(properties, "com.microsoft:server-timeout");
  pn_data_put_uint(properties, kManagementTime);
  auto* body = pn_message_body(request.get());
  pn_data_put_map(body);
  pn_data_enter(body);
  put_text(body, "lock-tokens");
  pn_data_put_array(body, false, PN_UUID);
  pn_data_enter(body);
  pn_data_put_uuid(body, uuid_of_lock(lock));
  pn_data_exit(body);
  if (!disposition.empty()) {
    put_text(body, "disposition-status");
    put_text(body, disposition);
  }
  pn_data_exit(body);
  management_->send(std::move(request), std::move(on_answer));
}

// Made anew when it is needed. What it was asked and has not answered is asked again, or comes
// again.
void Receiver::on_management_lost(const Error& why) {
  management_.reset();
  if (!std::exchange(told_of_management_, true))
    context_.log().warning(context_.log_name(), "locks cannot be kept for now: $management: {}",
                           why.message());
  std::erase_if(held_, [](const auto& entry) {
    return entry.second.told && entry.second.delivery == nullptr;
  });
  const auto soon = context_.clock().now() + kShortestLock;
  for (auto& [number, held] : held_) {
    if (!held.told && !held.lock.empty()) held.renew_at = std::min(held.renew_at, soon);
  }
  top_up();
  changed_.notify_all();
}

// At half of its time.
void Receiver::set_renewal(Held& held, std::optional<WallTime> locked_until) {
  if (held.lock.empty() || !locked_until) return;
  const Duration left = *locked_until - context_.clock().wall();
  held.renew_at = context_.clock().now() + std::clamp(left, kShortestLock, kLongestLock) / 2;
}

void Receiver::renew_locks() {
  const auto now = context_.clock().now();
  for (auto& [number, held] : held_) {
    if (now < held.renew_at) continue;
    held.renew_at = Instant::max();  // until the answer
    ask_management("com.microsoft:renew-lock", held.lock, {},
                   [this, number](const AmqpMessage& answer) { on_renewed(number, answer); });
  }
}

void Receiver::on_renewed(std::uint64_t number, const AmqpMessage& answer) {
  const auto found = held_.find(number);
  if (found == held_.end() || found->second.told) return;
  const auto status = find_integer(answer.properties, "statusCode").value_or(0);
  const auto* body = answer.body.if_object();
  const auto* times = body == nullptr ? nullptr : body->if_contains("expirations");
  if (status == 200 && times != nullptr && times->is_array() && !times->get_array().empty() &&
      times->get_array().front().is_string()) {
    return set_renewal(found->second, from_iso8601(view(times->get_array().front().get_string())));
  }
  context_.log().warning(context_.log_name(),
                         "the lock of a message cannot be kept ({}): it may come again", status);
}

}  // namespace millrace::azure_service_bus
