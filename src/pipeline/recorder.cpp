// SPDX-License-Identifier: Apache-2.0
#include "millrace/pipeline/recorder.hpp"

#include <algorithm>
#include <utility>

#include "millrace/base/uuid.hpp"
#include "record_file.hpp"

namespace millrace::pipeline {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::size_t kTooMuch = std::size_t{256} << 20;  // what actions cause is not held back
constexpr std::size_t kSpare = 4;
constexpr Duration kFlushAfter = std::chrono::seconds(1);
constexpr std::string_view kLogName = "recorder";

struct Done {
  Result<> written;
  std::vector<std::string> buffers;
};

Done write_all_of(RecordFile& file, std::vector<std::string> buffers) {
  for (const auto& lines : buffers) {
    if (auto written = file.write(lines); !written) return {std::move(written), std::move(buffers)};
  }
  return {{}, std::move(buffers)};
}

RecordHeader identified(RecordHeader header) {
  header.run = UuidGenerator().next();
  return header;
}

}  // namespace

Recorder::Recorder(RecordOptions options, RecordHeader header, Environment environment)
    : options_(std::move(options)),
      environment_(environment),
      file_(std::make_unique<RecordFile>(options_, identified(std::move(header)))),
      tasks_(environment.loop.executor(), [this](std::string_view, const std::exception_ptr&) {
        give_up(fail(Errc::io, "an exception ended the writing"));
      }) {}

Recorder::~Recorder() = default;

Result<> Recorder::open() {
  const auto& clock = environment_.loop.clock();
  start_ = clock.now();
  if (auto opened = file_->open(clock.wall()); !opened) return opened;
  on_ = true;
  return {};
}

std::string& Recorder::begin_input() {
  if (buffer_.size() >= kBufferBytes) hand_over();
  if (!flush_) {
    flush_ = environment_.loop.call_later(kFlushAfter, [this] {
      flush_.reset();
      hand_over();
    });
  }
  ++totals_.inputs;
  return buffer_;
}

void Recorder::hand_over() {
  if (!on_ || buffer_.empty()) return;
  if (waiting_bytes_ > kTooMuch)
    return give_up(fail(Errc::io, "{} bytes wait to be written", waiting_bytes_));
  waiting_bytes_ += buffer_.size();
  queue_.push_back(std::exchange(buffer_, {}));
  if (!spare_.empty()) {
    buffer_ = std::move(spare_.back());
    spare_.pop_back();
    buffer_.clear();
  }
  if (!std::exchange(writing_, true)) tasks_.spawn("writing the record", write_queue());
}

// A job takes all that waits: the loop looks after it only between batches.
Task<> Recorder::write_queue() {
  while (!queue_.empty()) {
    // The file is the job's as long as this task waits for it.
    auto done = co_await environment_.pool.run(
        [file = file_.get(), buffers = std::exchange(queue_, {})]() mutable {
          return write_all_of(*file, std::move(buffers));
        });
    for (const auto& buffer : done.buffers) waiting_bytes_ -= buffer.size();
    spare_ = std::move(done.buffers);
    spare_.resize(std::min(spare_.size(), kSpare));
    totals_.bytes = file_->bytes();
    if (!done.written) give_up(done.written.error());
    room_.notify_all();
  }
  writing_ = false;
}

void Recorder::give_up(const Error& why) {
  if (!std::exchange(on_, false)) return;
  totals_.failed = true;
  for (const auto& lines : std::exchange(queue_, {})) waiting_bytes_ -= lines.size();
  buffer_ = {};
  environment_.log.error(kLogName, "recording to {} has ended, the run goes on without: {}",
                         options_.file, why.message());
  room_.notify_all();
}

Task<bool> Recorder::catch_up() {
  while (on_ && behind()) {
    if (auto waited = co_await room_.wait(); !waited) co_return false;
  }
  co_return true;
}

Task<> Recorder::finish() {
  if (flush_) environment_.loop.cancel(*flush_);
  flush_.reset();
  hand_over();
  co_await tasks_.join();
  on_ = false;
  file_->close();
}

}  // namespace millrace::pipeline
