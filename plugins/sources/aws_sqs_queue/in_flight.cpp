// SPDX-License-Identifier: Apache-2.0
#include "in_flight.hpp"

#include <utility>

namespace millrace::aws_sqs_queue {

/// The engine's end of a message; one that goes without a word has dropped it.
class InFlight::Handle {
 public:
  Handle(std::weak_ptr<InFlight> all, std::uint64_t number)
      : all_(std::move(all)), number_(number) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (const auto all = all_.lock()) all->abandon(number_);
  }
  void settled() {
    if (const auto all = all_.lock()) all->settle(number_);
  }

 private:
  const std::weak_ptr<InFlight> all_;
  const std::uint64_t number_;
};

Delivery InFlight::add(std::string receipt, Instant renew_at) {
  const auto number = ++last_number_;
  messages_.emplace(number, Message{std::move(receipt), renew_at});
  const auto handle = std::make_shared<Handle>(weak_from_this(), number);
  return {.taken = {}, .settled = [handle] { handle->settled(); }};
}

void InFlight::settle(std::uint64_t number) {
  auto message = messages_.extract(number);
  if (!message) return;
  settled_.push_back(std::move(message.mapped().receipt));
  changed_.notify_all();
}

// Nobody will settle it: it is seen again when its time has run out.
void InFlight::abandon(std::uint64_t number) {
  if (messages_.erase(number) > 0) changed_.notify_all();
}

std::vector<std::string> InFlight::take_settled(std::size_t most) {
  std::vector<std::string> taken;
  while (!settled_.empty() && taken.size() < most) {
    taken.push_back(std::move(settled_.front()));
    settled_.pop_front();
  }
  deleting_ = taken.size();
  return taken;
}

void InFlight::deleted() {
  deleting_ = 0;
  changed_.notify_all();
}

std::vector<InFlight::Hidden> InFlight::take_due(Instant now, Instant next, std::size_t most) {
  std::vector<Hidden> due;
  for (auto& [number, message] : messages_) {
    if (due.size() == most) break;
    if (now < message.renew_at) continue;
    due.push_back({number, message.receipt});
    message.renew_at = next;
  }
  return due;
}

}  // namespace millrace::aws_sqs_queue
