// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/log.hpp"

#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <mutex>
#include <optional>

#include "millrace/base/files.hpp"
#include "millrace/base/terminal.hpp"
#include "millrace/base/text.hpp"

namespace millrace {
namespace {

constexpr int kStandardError = 2;

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::critical:
      return spdlog::level::critical;
  }
  return spdlog::level::off;
}

// "%Q" in a pattern: the message as the inside of a JSON string.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& line, const std::tm&,
              spdlog::memory_buf_t& out) override {
    for (const char c : std::string_view(line.payload.data(), line.payload.size())) {
      if (c == '"' || c == '\\') {
        out.push_back('\\');
        out.push_back(c);
      } else if (c == '\n') {
        fmt::format_to(std::back_inserter(out), "\\n");
      } else if (static_cast<unsigned char>(c) < 0x20) {
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
      } else {
        out.push_back(c);
      }
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

// "%K": the level as Python's logging names it.
class PythonLevel final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& line, const std::tm&,
              spdlog::memory_buf_t& out) override {
    std::string_view name = "CRITICAL";
    if (line.level <= spdlog::level::debug) name = "DEBUG";
    if (line.level == spdlog::level::info) name = "INFO";
    if (line.level == spdlog::level::warn) name = "WARNING";
    if (line.level == spdlog::level::err) name = "ERROR";
    out.append(name.data(), name.data() + name.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<PythonLevel>();
  }
};

std::unique_ptr<spdlog::formatter> formatter(LogFormat format, bool colour) {
  auto made = std::make_unique<spdlog::pattern_formatter>();
  made->add_flag<JsonMessage>('Q').add_flag<PythonLevel>('K');
  switch (format) {
    case LogFormat::text:
      made->set_pattern(colour ? "%Y-%m-%d %H:%M:%S.%e %^%K%$ %n: %v"
                               : "%Y-%m-%d %H:%M:%S.%e %K %n: %v");
      break;
    case LogFormat::json:
      made->set_pattern(
          R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","component":"%n","message":"%Q"})");
      break;
    case LogFormat::python:
      made->set_pattern("%Y-%m-%d %H:%M:%S,%e - %n - %K - %v");
      break;
  }
  return made;
}

std::string_view colour_of(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return "\x1b[31m";
  if (level == spdlog::level::warn) return "\x1b[33m";
  return "\x1b[36m";
}

class FdSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  FdSink(int fd, bool colour, StatusLine* status) : fd_(fd), colour_(colour), status_(status) {}

 private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    spdlog::memory_buf_t text;
    formatter_->format(line, text);
    std::string out(text.data(), text.size());
    if (colour_ && line.color_range_end > line.color_range_start) {
      out.insert(line.color_range_end, "\x1b[0m");
      out.insert(line.color_range_start, colour_of(line.level));
    }
    std::optional<StatusLine::Hidden> hidden;
    if (status_ != nullptr) hidden = status_->hide();
    static_cast<void>(write_all(fd_, out).has_value());  // nowhere left to complain
  }
  void flush_() override {}

  const int fd_;
  const bool colour_;
  StatusLine* const status_;
};

class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(Log::Sink sink) : sink_(std::move(sink)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    auto level = LogLevel::critical;
    for (const auto candidate :
         {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
      if (to_spdlog(candidate) == line.level) level = candidate;
    }
    sink_(level, {line.logger_name.data(), line.logger_name.size()},
          {line.payload.data(), line.payload.size()});
  }
  void flush_() override {}

  const Log::Sink sink_;
};

}  // namespace

struct Log::Output {
  std::unique_ptr<spdlog::sinks::sink> sink;
};

Log::Log(Options options)
    : least_(options.least),
      name_of_(std::move(options.name_of)),
      output_(std::make_unique<Output>()) {
  const bool colour = options.fd == kStandardError && ::isatty(options.fd) == 1;
  output_->sink = std::make_unique<FdSink>(options.fd, colour, options.status);
  output_->sink->set_formatter(formatter(options.format, colour));
}

Log::Log(Sink sink, LogLevel least) : least_(least), output_(std::make_unique<Output>()) {
  output_->sink = std::make_unique<FunctionSink>(std::move(sink));
}

Log::~Log() = default;

void Log::write(LogLevel level, std::string_view component, std::string_view message) {
  if (!enabled(level)) return;
  const auto clean = printable(message);
  const auto name = name_of_ ? name_of_(component) : std::string(component);
  output_->sink->log(spdlog::details::log_msg(name, to_spdlog(level), clean));
}

void Log::write_lines(LogLevel level, std::string_view component, std::string_view text) {
  for (const auto line : split(text, '\n')) write(level, component, line);
}

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
    case LogLevel::critical:
      return "critical";
  }
  return "unknown";
}

}  // namespace millrace
