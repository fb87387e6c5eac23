// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "millrace/event/event.hpp"

namespace millrace::pipeline {

/// Settles a batch when the last of those who work on it lets go: the reading of the batch, and
/// each activation that it caused. There is no single owner, so it is shared; loop thread only.
class Settlement {
 public:
  explicit Settlement(Delivery delivery) : delivery_(std::move(delivery)) {}
  Settlement(const Settlement&) = delete;
  Settlement& operator=(const Settlement&) = delete;
  ~Settlement() {
    if (delivery_.settled) delivery_.settled();
  }

  void taken(const std::vector<Rejection>& rejected) {
    if (delivery_.taken) delivery_.taken(rejected);
  }
  /// Something that the batch caused will not be done: it must not be settled, nor taken if it was
  /// not yet.
  void abandon() { delivery_ = {}; }

 private:
  Delivery delivery_;
};
using SettlementPtr = std::shared_ptr<Settlement>;

}  // namespace millrace::pipeline
