// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>

#include "millrace/base/result.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/loop/task.hpp"

namespace millrace::pipeline {

/// Locks by name, for actions that must not overlap. Whoever waits longest is next. Loop thread
/// only.
class Locks {
 public:
  /// Gives the lock back when it goes. Must not outlive the locks.
  class Held {
   public:
    Held(Locks& locks, std::string name) : locks_(&locks), name_(std::move(name)) {}
    Held(Held&& other) noexcept
        : locks_(std::exchange(other.locks_, nullptr)), name_(std::move(other.name_)) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (locks_ != nullptr) locks_->release(name_);
    }

   private:
    Locks* locks_;
    std::string name_;
  };

  /// Errors: cancelled.
  Task<Result<Held>> hold(std::string name);

 private:
  void release(const std::string& name);

  std::map<std::string, Waiters, std::less<>> locks_;  ///< those that are held
};

}  // namespace millrace::pipeline
