// SPDX-License-Identifier: Apache-2.0
#include "native/stop_signal.hpp"

#include <algorithm>
#include <chrono>

namespace millrace::native {
namespace {

constexpr double kLongest = 1e9;  // seconds, some 30 years: what clocks can count

}  // namespace

void StopSignal::request() {
  const std::scoped_lock lock(mutex_);
  requested_ = true;
  changed_.notify_all();
}

bool StopSignal::requested() const {
  const std::scoped_lock lock(mutex_);
  return requested_;
}

bool StopSignal::wait(double seconds) {
  std::unique_lock lock(mutex_);
  const auto asked = [this] { return requested_; };
  if (seconds < 0) {
    changed_.wait(lock, asked);
    return true;
  }
  // Written so that NaN is no wait.
  const double span = seconds > 0 ? std::min(seconds, kLongest) : 0;
  return changed_.wait_for(lock, std::chrono::duration<double>(span), asked);
}

}  // namespace millrace::native
