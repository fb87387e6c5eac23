// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

#include "millrace/loop/task.hpp"

namespace millrace {

/// Threads for calls that block: files, libraries without an asynchronous interface. The job runs
/// there, its result comes back on the loop thread; what it throws is thrown where it is awaited. A
/// job once begun is not interrupted: keep each short. A task that is asked to stop meanwhile gets
/// the result all the same, and learns of the request at its next wait.
class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads) : pool_(threads) {}
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  ~BlockingPool() { pool_.join(); }

  /// The job must own what it uses.
  template <class Job>
  Task<std::invoke_result_t<Job>> run(Job job) {
    // No cancellation slot: Asio would carry the signal to the job's thread, where it may arrive
    // after the job has gone.
    co_return co_await asio::co_spawn(
        pool_, call(std::move(job)),
        asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable));
  }

 private:
  template <class Job>
  static Task<std::invoke_result_t<Job>> call(Job job) {
    co_return job();
  }

  asio::thread_pool pool_;
};

}  // namespace millrace
