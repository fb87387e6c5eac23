// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/ansible/playbook.hpp"
#include "millrace/base/files.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/loop/process.hpp"

namespace millrace::ansible {

/// One run of ansible-playbook. Loop thread only.
class Attempt {
 public:
  /// `process` without descriptors. Errors: unavailable when there is no such program; those of
  /// ChildProcess::start().
  static Result<std::unique_ptr<Attempt>> start(MainLoop& loop, ProcessOptions process,
                                                const PlaybookListener& listener, bool as_json);
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  /// To be called once, and awaited before destruction. Errors: as Playbook::run().
  Task<Result<PlaybookOutcome>> run();

 private:
  /// The end of a pipe that Ansible writes into; takes whole lines.
  struct Reading {
    Reading(MainLoop& loop, FileDescriptor its_pipe, std::size_t most);

    asio::posix::stream_descriptor pipe;
    const std::size_t most;  ///< bytes of a line
    std::vector<char> buffer;
    std::string line;  ///< that has not ended yet
    bool too_long = false;
    std::size_t left_behind = 0;  ///< bytes read after the end of Ansible
  };

  Attempt(MainLoop& loop, const PlaybookListener& listener, bool as_json);
  Task<> watch_exit();
  Task<> read_output();
  Task<> read_events();
  Task<std::string_view> receive(Reading& from);
  Result<> print(std::string_view bytes);
  Result<> take_event(std::string_view line);
  void note(const Object& event);
  Task<> end();

  MainLoop& loop_;
  const PlaybookListener& listener_;
  const bool as_json_;
  std::unique_ptr<ChildProcess> process_;
  std::unique_ptr<Reading> output_;
  std::unique_ptr<Reading> events_;
  bool exited_ = false;
  std::optional<Error> failure_;
  std::exception_ptr exception_;
  PlaybookOutcome outcome_;
  std::string last_line_;   ///< of what Ansible printed, that looks like an error
  bool cacheable_ = false;  ///< whether the artifacts come of cacheable facts
  Waiters changed_;
  TaskGroup life_;  ///< is not stopped: it waits for the end of Ansible
  TaskGroup readers_;
};

}  // namespace millrace::ansible
