// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>

namespace millrace::native {

/// Asks a plugin's thread to stop, and ends its waits. Any thread.
class StopSignal {
 public:
  void request();
  bool requested() const;
  /// Until requested, or for so many seconds; less than 0: for ever. Whether it was requested.
  bool wait(double seconds);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool requested_ = false;
};

}  // namespace millrace::native
