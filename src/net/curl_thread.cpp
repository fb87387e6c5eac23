// SPDX-License-Identifier: Apache-2.0
#include "curl_thread.hpp"

#include <utility>

namespace millrace::net {
namespace {

constexpr int kPollMilliseconds = 60'000;  // a bound only: poll is woken when there is news

}  // namespace

CurlThread::CurlThread(MainLoop& loop)
    : loop_(loop), ready_(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
  if (ready_) multi_.reset(curl_multi_init());
  if (multi_) thread_ = std::thread([this] { work(); });
}

CurlThread::~CurlThread() {
  if (thread_.joinable()) {
    change([this] { ends_ = true; });
    thread_.join();
  }
  transfers_.clear();
  multi_.reset();
  if (ready_) curl_global_cleanup();
}

Task<Result<>> CurlThread::run(TransferPtr transfer, Duration timeout) {
  bool timed_out = false;
  const auto timer = loop_.call_later(timeout, [&timed_out, &transfer] {
    timed_out = true;
    transfer->changed_.notify_all();
  });
  change([&] { to_start_.push_back(transfer); });
  Result<> waited;
  while (waited && !transfer->is_done_ && !timed_out) waited = co_await transfer->changed_.wait();
  loop_.cancel(timer);
  if (transfer->is_done_) co_return Result<>();
  transfer->give_up();
  change([&] { to_abort_.push_back(transfer); });
  if (!waited) co_return waited;
  const std::chrono::duration<double> limit = timeout;
  co_return fail(Errc::timeout, "no answer within {:g} seconds", limit.count());
}

template <class Change>
void CurlThread::change(Change what) {
  {
    const std::scoped_lock lock(mutex_);
    what();
  }
  curl_multi_wakeup(multi_.get());
}

void CurlThread::work() {
  int running = 0;
  while (take_orders()) {
    curl_multi_perform(multi_.get(), &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg == CURLMSG_DONE) conclude(message->easy_handle, message->data.result);
    }
    curl_multi_poll(multi_.get(), nullptr, 0, kPollMilliseconds, nullptr);
  }
  for (const auto& [easy, transfer] : transfers_) curl_multi_remove_handle(multi_.get(), easy);
}

bool CurlThread::take_orders() {
  std::vector<TransferPtr> starting;
  std::vector<TransferPtr> aborted;
  {
    const std::scoped_lock lock(mutex_);
    if (ends_) return false;
    starting.swap(to_start_);
    aborted.swap(to_abort_);
  }
  for (auto& transfer : starting) {
    CURL* easy = transfer->easy();
    transfers_[easy] = std::move(transfer);
    curl_multi_add_handle(multi_.get(), easy);
  }
  for (const auto& transfer : aborted) {
    if (transfers_.contains(transfer->easy())) forget(transfer->easy());
  }
  return true;
}

void CurlThread::conclude(CURL* easy, CURLcode code) {
  auto transfer = forget(easy);
  transfer->conclude(code);
  // Shared: the task that waits for it may have gone.
  loop_.call_soon_threadsafe([transfer = std::move(transfer)] {
    transfer->is_done_ = true;
    transfer->changed_.notify_all();
  });
}

CurlThread::TransferPtr CurlThread::forget(CURL* easy) {
  const auto found = transfers_.find(easy);
  auto transfer = std::move(found->second);
  transfers_.erase(found);
  curl_multi_remove_handle(multi_.get(), easy);
  return transfer;
}

}  // namespace millrace::net
