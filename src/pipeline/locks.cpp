// SPDX-License-Identifier: Apache-2.0
#include "locks.hpp"

#include <utility>

namespace millrace::pipeline {

// The lock is handed over, not freed: nobody who comes meanwhile gets ahead of those who wait.
Task<Result<Locks::Held>> Locks::hold(std::string name) {
  const auto [lock, is_free] = locks_.try_emplace(name);
  if (!is_free) {
    if (auto waited = co_await lock->second.wait(); !waited) co_return waited.error();
  }
  co_return Held(*this, std::move(name));
}

void Locks::release(const std::string& name) {
  const auto lock = locks_.find(name);
  if (!lock->second.empty()) return lock->second.notify_one();
  locks_.erase(lock);
}

}  // namespace millrace::pipeline
