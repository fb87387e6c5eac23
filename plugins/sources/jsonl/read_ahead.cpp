// SPDX-License-Identifier: Apache-2.0
#include "read_ahead.hpp"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace millrace::jsonl {

ReadAhead::ReadAhead(SourceContext& context, std::shared_ptr<BlockStore> store)
    : context_(context),
      store_(std::move(store)),
      tasks_(context.loop().executor(),
             [this](std::string_view, const std::exception_ptr& why) { failure_ = why; }) {}

Task<Result<>> ReadAhead::open(const std::string& path) {
  auto input = co_await context_.pool().run([path] { return Input::open(path); });
  if (!input) co_return input.error();
  const int descriptor = (*input)->descriptor();
  auto readiness = Readiness::watch(context_.loop().executor(), descriptor);
  if (!readiness) co_return readiness.error();
  readiness_ = std::move(*readiness);
  auto fill = LineReader::Fill::whole_block;
  if (readiness_ != nullptr) {
    fill = LineReader::Fill::what_has_arrived;
    // A pipe that holds a block lets the writer go on while the engine works. Other streams refuse,
    // which is no harm.
    constexpr std::size_t kMostUnprivileged = std::size_t{1} << 20;
    ::fcntl(descriptor, F_SETPIPE_SZ,
            static_cast<int>(std::min(store_->usual(), kMostUnprivileged)));
  }
  lines_ = std::make_unique<LineReader>(
      std::move(*input), store_,
      LineReader::Options{.fill = fill, .line_limit = context_.limits().bytes});
  start();
  co_return Result<>();
}

Task<Result<Lines>> ReadAhead::next() {
  while (!ahead_) {
    if (failure_) std::rethrow_exception(failure_);
    if (auto waited = co_await arrived_.wait(); !waited) co_return waited.error();
  }
  auto taken = std::move(*ahead_);
  ahead_.reset();
  if (taken && !taken->end) start();
  co_return taken;
}

Task<> ReadAhead::stop() {
  tasks_.request_stop();
  co_await tasks_.join();
}

void ReadAhead::start() {
  tasks_.spawn("read", read(), [this] { arrived_.notify_all(); });
}

Task<> ReadAhead::read() { ahead_ = co_await read_block(); }

Task<Result<Lines>> ReadAhead::read_block() {
  if (readiness_ != nullptr && !lines_->input().has_pending()) {
    if (auto ready = co_await readiness_->wait(); !ready) co_return ready.error();
  }
  co_return co_await context_.pool().run([this] { return lines_->read(); });
}

}  // namespace millrace::jsonl
