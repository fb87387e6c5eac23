// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace millrace::rules {

/// Numbered things that come and go: a number is a pointer of four bytes. Things never move, room
/// of those that went is used again, and growing copies nothing.
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
    if (used_ == blocks_.size() * kBlock) blocks_.push_back(std::make_unique<Block>());
    return static_cast<Id>(used_++);
  }
  /// The thing is as new when its number is given out again.
  void remove(Id id) {
    (*this)[id] = T();
    free_.push_back(id);
  }

  T& operator[](Id id) { return (*blocks_[id / kBlock])[id % kBlock]; }
  const T& operator[](Id id) const { return (*blocks_[id / kBlock])[id % kBlock]; }
  /// Behind the largest number that was ever given out.
  Id end() const { return static_cast<Id>(used_); }
  std::size_t size() const { return used_ - free_.size(); }

 private:
  static constexpr std::size_t kBlock = 1024;
  using Block = std::array<T, kBlock>;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::size_t used_ = 0;
  std::vector<Id> free_;
};

}  // namespace millrace::rules
