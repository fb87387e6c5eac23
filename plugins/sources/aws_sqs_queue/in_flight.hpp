// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/event/event.hpp"
#include "millrace/loop/channel.hpp"

namespace millrace::aws_sqs_queue {

/// Messages that the queue keeps hidden for us: from their arrival until they are deleted. Shared,
/// because deliveries in the engine may outlive the source: they find nobody then.
class InFlight : public std::enable_shared_from_this<InFlight> {
 public:
  struct Hidden {
    std::uint64_t number = 0;
    std::string receipt;
  };

  /// What is to become of a message that has arrived.
  Delivery add(std::string receipt, Instant renew_at);

  std::size_t size() const { return messages_.size() + settled_.size() + deleting_; }
  bool has_settled() const { return !settled_.empty(); }
  /// At most so many receipts of settled messages, until deleted() or the end.
  std::vector<std::string> take_settled(std::size_t most);
  /// What take_settled() gave is done with.
  void deleted();
  /// At most so many messages whose time to be hidden runs out by `now`; then again at `next`.
  std::vector<Hidden> take_due(Instant now, Instant next, std::size_t most);

  Waiters& changed() { return changed_; }

 private:
  class Handle;
  struct Message {
    std::string receipt;
    Instant renew_at;
  };
  void settle(std::uint64_t number);
  void abandon(std::uint64_t number);

  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Message> messages_;
  std::deque<std::string> settled_;
  std::size_t deleting_ = 0;
  Waiters changed_;
};

}  // namespace millrace::aws_sqs_queue
