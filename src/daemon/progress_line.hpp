// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "millrace/base/terminal.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/pipeline/engine.hpp"

namespace millrace::daemon {

/// "45% read, 1,234 events, 567/s, 89 fired, 0 waiting".
std::string progress_text(const pipeline::Progress& progress, double events_per_second);

/// Keeps a status line up to date, at most five times a second, until it is destroyed; then the
/// line is erased. Costs nothing between: it reads what is counted anyway. Loop thread only.
class ProgressLine {
 public:
  using Read = std::function<pipeline::Progress()>;

  /// `loop` and `line` outlive it.
  ProgressLine(MainLoop& loop, StatusLine& line, Read read);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();

 private:
  void show();
  void arm();
  double rate(std::uint64_t events);

  MainLoop& loop_;
  StatusLine& line_;
  const Read read_;
  MainLoop::TimerId timer_;
  std::deque<std::pair<Instant, std::uint64_t>> samples_;  ///< events, over the last second
};

}  // namespace millrace::daemon
