// SPDX-License-Identifier: Apache-2.0
#include "in_flight.hpp"

namespace millrace::kafka {

void InFlight::Batch::add(const AssignmentPtr& assignment, std::int64_t offset) {
  ++count_;
  ++owner_->count_;
  for (auto& part : parts_) {
    if (part.assignment != assignment) continue;
    part.range->next = offset + 1;
    ++part.range->messages;
    return;
  }
  assignment->ranges.push_back({offset + 1, 1, false});
  parts_.push_back({assignment, &assignment->ranges.back()});
}

InFlight::Batch::~Batch() {
  owner_->count_ -= count_;
  if (count_ > 0 && owner_->on_room_) owner_->on_room_();
}

void InFlight::Batch::settle() {
  for (auto& part : parts_) {
    part.range->settled = true;
    owner_->settle(*part.assignment);
  }
  parts_.clear();
  owner_->count_ -= std::exchange(count_, 0);
  if (owner_->on_room_) owner_->on_room_();
}

void InFlight::settle(Assignment& assignment) {
  std::size_t messages = 0;
  auto& ranges = assignment.ranges;
  while (!ranges.empty() && ranges.front().settled) {
    assignment.settled_to = ranges.front().next;
    messages += ranges.front().messages;
    ranges.pop_front();
  }
  if (messages > 0 && assignment.is_ours && on_settled_)
    on_settled_(assignment, assignment.settled_to, messages);
}

}  // namespace millrace::kafka
