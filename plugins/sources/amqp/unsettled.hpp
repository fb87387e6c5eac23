// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <utility>

namespace millrace::amqp_source {

/// The batches of a connection whose fate is open, each a range of delivery tags.
class Unsettled {
 public:
  void add(std::uint64_t first, std::uint64_t last) { ranges_.emplace(first, last); }

  /// The batch is done. True: nothing before it is open, so one acknowledgement up to its end will
  /// do; otherwise its messages have to be acknowledged one by one. A batch that is never settled
  /// makes that the way for all after it.
  bool settle(std::uint64_t first, std::uint64_t last) {
    const auto found = ranges_.find({first, last});
    const bool is_oldest = found == ranges_.begin();
    ranges_.erase(found);
    return is_oldest;
  }

 private:
  std::set<std::pair<std::uint64_t, std::uint64_t>> ranges_;
};

}  // namespace millrace::amqp_source
