// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/core.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace millrace {

class StatusLine;

enum class LogLevel { debug, info, warning, error, critical };
enum class LogFormat {
  text,    ///< "2026-11-21 11:18:02.836 WARNING source.webhook: text", level coloured on a terminal
  json,    ///< one object a line: time, level, component, message
  python,  ///< "2026-11-21 11:18:02,836 - component - WARNING - text", as Python's logging prints
           ///< it
};

/// Where lines about the engine's own doings go. Handed to whoever needs it; usable from any
/// thread. A write never fails towards the caller: a log that cannot be written is dropped.
class Log {
 public:
  struct Options {
    LogLevel least = LogLevel::warning;
    LogFormat format = LogFormat::text;
    int fd = 2;
    /// On the same terminal, hidden while a line is written; nullptr: none. Outlives the log.
    StatusLine* status = nullptr;
    /// Under which name lines of a component appear; empty: its own.
    std::function<std::string(std::string_view component)> name_of;
  };
  using Sink = std::function<void(LogLevel, std::string_view component, std::string_view message)>;

  explicit Log(Options options);
  /// Everything from `least` up goes to `sink` (tests).
  explicit Log(Sink sink, LogLevel least = LogLevel::debug);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log();

  bool enabled(LogLevel level) const { return level >= least_; }
  /// Foreign bytes in `message` are made printable.
  void write(LogLevel level, std::string_view component, std::string_view message);

  /// A text of several lines, such as a traceback, a line each.
  void write_lines(LogLevel level, std::string_view component, std::string_view text);

  template <class... Args>
  void debug(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
    if (enabled(LogLevel::debug))
      write(LogLevel::debug, component, fmt::format(text, std::forward<Args>(args)...));
  }
  template <class... Args>
  void info(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
    if (enabled(LogLevel::info))
      write(LogLevel::info, component, fmt::format(text, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warning(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
    if (enabled(LogLevel::warning))
      write(LogLevel::warning, component, fmt::format(text, std::forward<Args>(args)...));
  }
  template <class... Args>
  void error(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
    if (enabled(LogLevel::error))
      write(LogLevel::error, component, fmt::format(text, std::forward<Args>(args)...));
  }

 private:
  struct Output;
  LogLevel least_;
  std::function<std::string(std::string_view)> name_of_;
  std::unique_ptr<Output> output_;
};

std::string_view to_string(LogLevel level);

}  // namespace millrace
