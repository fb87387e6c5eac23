// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace millrace::rules {

/// Numbered things that come and go: a number is a pointer of four bytes. Things never move, room
/// of those that went is used again, and growing copies nothing. A few take little room: blocks
/// begin small, and double up to a bound.
template <class T>
class Slab {
 public:
  using Id = std::uint32_t;
  static constexpr Id kNone = ~Id{0};

  Id add() {
    if (!free_.empty()) {
      const Id id = free_.back();
      free_.pop_back();
      return id;
    }
    if (used_ == room_) {
      const auto size = kFirst << std::min(blocks_.size(), kDoublings);
      blocks_.push_back(std::make_unique<T[]>(size));
      room_ += size;
    }
    return static_cast<Id>(used_++);
  }
  /// The thing is as new when its number is given out again.
  void remove(Id id) {
    (*this)[id] = T();
    free_.push_back(id);
  }

  T& operator[](Id id) { return *place(id); }
  const T& operator[](Id id) const { return *place(id); }
  /// Behind the largest number that was ever given out.
  Id end() const { return static_cast<Id>(used_); }
  std::size_t size() const { return used_ - free_.size(); }

 private:
  static constexpr std::size_t kFirst = 16;
  static constexpr std::size_t kDoublings = 6;                   // until blocks are the largest
  static constexpr std::size_t kLargest = kFirst << kDoublings;  // 1024
  static constexpr std::size_t kGrown = kLargest - kFirst;       // in the blocks before those

  T* place(Id id) const {
    if (id >= kGrown) {
      const std::size_t beyond = id - kGrown;
      return &blocks_[kDoublings + beyond / kLargest][beyond % kLargest];
    }
    const auto block = static_cast<std::size_t>(std::bit_width(id / kFirst + 1)) - 1;
    return &blocks_[block][id - kFirst * ((std::size_t{1} << block) - 1)];
  }

  std::vector<std::unique_ptr<T[]>> blocks_;
  std::size_t room_ = 0;
  std::size_t used_ = 0;
  std::vector<Id> free_;
};

}  // namespace millrace::rules
