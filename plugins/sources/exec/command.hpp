// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "line_cutter.hpp"
#include "millrace/base/files.hpp"
#include "millrace/base/line_log.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/loop/process.hpp"
#include "millrace/plugin/source.hpp"

namespace millrace::exec_source {

enum class Format : std::uint8_t {
  lines,  ///< {"line": text}
  json,   ///< each line is an event
};

struct CommandOptions {
  ProcessOptions process;  ///< without descriptors
  std::string name;        ///< in messages
  Format format = Format::lines;
  bool output = true;  ///< events from standard output
  bool errors = false;
  std::size_t max_line = 0;  ///< bytes
};

/// A command that runs, and whose lines become events. Loop thread only.
class Command {
 public:
  /// Errors: those of ChildProcess::start().
  static Result<std::unique_ptr<Command>> start(SourceContext& context,
                                                const CommandOptions& options);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  /// Emits until it has ended and all that it wrote is taken. To be called once, and awaited before
  /// destruction. Errors: cancelled, and those of emit(), after the command has been ended; io when
  /// it ended by itself, otherwise than with exit code 0.
  Task<Result<>> run();

 private:
  /// The end of a pipe that the command writes into.
  struct Reading {
    Reading(MainLoop& loop, FileDescriptor pipe, std::string_view its_name);

    asio::posix::stream_descriptor pipe;
    const std::string_view name;  ///< "stdout", "stderr"
    std::vector<char> buffer;
    std::size_t left_behind = 0;  ///< bytes read after the command's end
  };

  Command(SourceContext& context, const CommandOptions& options);
  Task<> watch_exit();
  Task<> read_events(Reading& from);
  Task<> read_log(Reading& from);
  Task<Result<std::string_view>> receive(Reading& from);
  Task<Result<>> deliver(const Reading& from, const Lines& lines);
  std::optional<Event> event_of(const Reading& from, const Lines::Line& line);
  Task<> end();
  Result<> judge() const;

  SourceContext& context_;
  const CommandOptions& options_;
  std::unique_ptr<ChildProcess> process_;
  std::unique_ptr<Reading> output_;
  std::unique_ptr<Reading> errors_;
  LineLog log_;
  bool exited_ = false;
  std::optional<Error> failure_;
  std::exception_ptr exception_;
  Waiters changed_;
  TaskGroup life_;  ///< is not stopped: it waits for the command's end
  TaskGroup readers_;
};

}  // namespace millrace::exec_source
