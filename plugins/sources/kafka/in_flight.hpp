// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/event/event.hpp"

namespace millrace::kafka {

/// A partition that is ours to read, and how far what was read of it is settled. A partition that
/// is taken from us and comes back is another assignment.
struct Assignment {
  std::string topic;
  std::int32_t partition = 0;
  bool is_ours = true;
  std::int64_t settled_to = -1;  ///< next offset; -1: not known

  struct Range {
    std::int64_t next = 0;  ///< behind the last
    std::size_t messages = 0;
    bool settled = false;
  };
  std::deque<Range> ranges;  ///< in order; the first is not settled
};
using AssignmentPtr = std::shared_ptr<Assignment>;

/// Which messages are being acted upon. Messages settle in any order; an offset is told only when
/// everything before it has settled, too. Shared with the deliveries of batches, which may outlive
/// the source; loop thread only.
class InFlight : public std::enable_shared_from_this<InFlight> {
 public:
  /// `next`: the offset to commit; `messages`: how many more are settled.
  using OnSettled =
      std::function<void(const Assignment& assignment, std::int64_t next, std::size_t messages)>;
  /// Something has left, settled or not.
  using OnRoom = std::function<void()>;

  InFlight(OnSettled on_settled, OnRoom on_room)
      : on_settled_(std::move(on_settled)), on_room_(std::move(on_room)) {}

  /// The source has ended: nobody is told any more.
  void detach() {
    on_settled_ = {};
    on_room_ = {};
  }

  /// Messages handed over and not settled.
  std::size_t count() const { return count_; }

  /// The messages of one batch, in the order in which they were read.
  class Batch {
   public:
    explicit Batch(std::shared_ptr<InFlight> owner) : owner_(std::move(owner)) {}
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    ~Batch();  ///< unless settled, its messages will never be committed
    void add(const AssignmentPtr& assignment, std::int64_t offset);
    void settle();

   private:
    friend class InFlight;
    struct Part {
      AssignmentPtr assignment;
      Assignment::Range* range;  // in the assignment's deque, which keeps it in place
    };
    const std::shared_ptr<InFlight> owner_;
    std::vector<Part> parts_;
    std::size_t count_ = 0;
  };

  std::shared_ptr<Batch> begin() { return std::make_shared<Batch>(shared_from_this()); }

 private:
  void settle(Assignment& assignment);

  OnSettled on_settled_;
  OnRoom on_room_;
  std::size_t count_ = 0;
};

}  // namespace millrace::kafka
