// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "millrace/loop/channel.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"

namespace millrace::net {

/// Frees what libcurl has made: `std::unique_ptr<CURL, CleanUp<curl_easy_cleanup>>`.
template <auto clean_up>
struct CleanUp {
  template <class T>
  void operator()(T* owned) const {
    clean_up(owned);
  }
};

/// One transfer. The loop thread makes it and looks at its outcome, libcurl's thread does the rest.
class CurlTransfer {
 public:
  CurlTransfer() = default;
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;
  virtual ~CurlTransfer() = default;

  virtual CURL* easy() const = 0;
  /// On libcurl's thread, once: keeps the outcome.
  virtual void conclude(CURLcode code) = 0;
  /// On the loop thread, before it is taken away unfinished: where libcurl blocks its thread to
  /// wait for the peer, makes it end the wait.
  virtual void give_up() {}

 private:
  friend class CurlThread;
  // Of the loop thread.
  bool is_done_ = false;
  Waiters changed_;
};

/// The thread on which libcurl works, any number of transfers at a time.
class CurlThread {
 public:
  explicit CurlThread(MainLoop& loop);
  CurlThread(const CurlThread&) = delete;
  CurlThread& operator=(const CurlThread&) = delete;
  ~CurlThread();

  /// Whether libcurl could be set up.
  bool is_ready() const { return multi_ != nullptr; }

  /// Until the transfer has concluded. Errors: timeout, cancelled; then it is given up.
  Task<Result<>> run(std::shared_ptr<CurlTransfer> transfer, Duration timeout);

 private:
  using TransferPtr = std::shared_ptr<CurlTransfer>;
  template <class Change>
  void change(Change what);
  void work();
  bool take_orders();
  void conclude(CURL* easy, CURLcode code);
  TransferPtr forget(CURL* easy);

  MainLoop& loop_;
  const bool ready_;
  std::unique_ptr<CURLM, CleanUp<curl_multi_cleanup>> multi_;
  std::map<CURL*, TransferPtr> transfers_;  // of the thread
  std::mutex mutex_;
  std::vector<TransferPtr> to_start_;
  std::vector<TransferPtr> to_abort_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace millrace::net
