// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <set>

namespace millrace::kafka {

/// The connections of a client, so that they can be ended: the library waits for answers as long as
/// a broker may take, a source has to end within a second. Any thread.
class Sockets {
 public:
  Sockets() = default;
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;
  ~Sockets() = default;

  /// -1 and errno, as ::socket(). None once cut.
  int open(int domain, int type, int protocol);
  int close(int socket);
  /// Every connection ends as if the broker had closed it; no others are made.
  void cut();

 private:
  std::mutex mutex_;
  std::set<int> open_;   // guarded by mutex_
  bool is_cut_ = false;  // guarded by mutex_
};

}  // namespace millrace::kafka
