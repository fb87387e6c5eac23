// SPDX-License-Identifier: Apache-2.0
#include "progress_line.hpp"

#include "millrace/base/text.hpp"

namespace millrace::daemon {
namespace {

constexpr Duration kInterval = std::chrono::milliseconds(200);
constexpr std::size_t kSamples = 6;  // a second

}  // namespace

std::string progress_text(const pipeline::Progress& progress, double events_per_second) {
  std::string text;
  // Rounded down: 100% is the end.
  if (progress.fraction_read)
    text = fmt::format("{}% read, ", static_cast<int>(*progress.fraction_read * 100));
  return text + fmt::format("{} events, {}/s, {} fired, {} waiting", grouped(progress.events),
                            grouped(static_cast<std::uint64_t>(events_per_second)),
                            grouped(progress.fired), grouped(progress.waiting));
}

ProgressLine::ProgressLine(MainLoop& loop, StatusLine& line, Read read)
    : loop_(loop), line_(line), read_(std::move(read)) {
  samples_.emplace_back(loop_.clock().now(), read_().events);
  arm();
}

ProgressLine::~ProgressLine() {
  loop_.cancel(timer_);
  line_.erase();
}

void ProgressLine::arm() {
  timer_ = loop_.call_later(kInterval, [this] { show(); });
}

void ProgressLine::show() {
  const auto progress = read_();
  line_.show(progress_text(progress, rate(progress.events)));
  arm();
}

double ProgressLine::rate(std::uint64_t events) {
  const auto now = loop_.clock().now();
  samples_.emplace_back(now, events);
  if (samples_.size() > kSamples) samples_.pop_front();
  const auto [since, before] = samples_.front();
  const double seconds = std::chrono::duration<double>(now - since).count();
  return seconds > 0 ? static_cast<double>(events - before) / seconds : 0;
}

}  // namespace millrace::daemon
