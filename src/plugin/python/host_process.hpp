// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frames.hpp"
#include "millrace/base/clock.hpp"
#include "millrace/base/log.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"
#include "millrace/plugin/python_plugins.hpp"

namespace millrace::python {

/// What belongs to one channel of a host.
class ChannelListener {
 public:
  virtual ~ChannelListener() = default;

  /// `memory` keeps the payload. An error says what is wrong with the frame; it ends the host.
  virtual Result<> on_frame(const Frame& frame, const std::shared_ptr<const void>& memory) = 0;
  /// The host is gone, after its last frame. The channel has been closed.
  virtual void on_host_end(const Error& why) = 0;

 protected:
  ChannelListener() = default;
  ChannelListener(const ChannelListener&) = default;
  ChannelListener& operator=(const ChannelListener&) = default;
};

/// A frame's payload as a JSON object. Errors: corrupt.
Result<Object> read_object(const Frame& frame);

/// A Python process that hosts plugins; started when it is first needed, and again when it has
/// died. Loop thread only.
class HostProcess {
 public:
  struct Options {
    std::string title;     ///< in messages: "the host of plugin x"
    std::string log_name;  ///< the component that its output is logged as
    PythonOptions python;
    HostSettings settings;
    Object variables;  ///< for templates
  };

  HostProcess(MainLoop& loop, Log& log, Options options);
  HostProcess(const HostProcess&) = delete;
  HostProcess& operator=(const HostProcess&) = delete;
  ~HostProcess();  ///< stop() must have ended

  /// Until the process runs and has answered; starts it unless it does, after a delay when it has
  /// died again and again. Errors: unavailable, permission_denied, cancelled.
  Task<Result<>> ready();
  bool is_live() const { return state_ == State::live; }
  /// Counts the processes: which one it is now.
  std::uint64_t generation() const { return generation_; }

  /// While it is live. The listener is told of the process's end, unless it has closed the channel
  /// before.
  std::uint32_t open(ChannelListener& listener);
  void close(std::uint32_t channel);
  std::size_t open_channels() const { return channels_.size(); }
  /// Listens on channel 0, for every process from now on: templates.
  void listen(ChannelListener& listener) { templates_ = &listener; }
  /// Dropped when the channel is closed, or the process is not live.
  void send(FrameType type, std::uint32_t channel, std::string_view payload = {});

  /// What every further process is to load before anything else.
  void load_always(std::string payload) { loads_.push_back(std::move(payload)); }
  /// Whether it has loaded something for good.
  bool is_used() const { return !loads_.empty(); }
  void go_live();

  /// Kills it; `why` is told to all that it serves.
  void kill(Error why);
  /// It is not started from now on.
  void refuse();
  /// Ends it: asks it to, then terminates it, then kills it. It is not started again.
  Task<> stop();

  MainLoop& loop() { return loop_; }
  Log& log() { return log_; }
  const HostSettings& settings() const { return options_.settings; }
  const std::string& title() const { return options_.title; }
  const std::string& log_name() const { return options_.log_name; }

 private:
  enum class State { idle, starting, live, ending };
  struct Running;
  class LoadWatch;

  Task<> live_and_die();
  Result<std::unique_ptr<Running>> spawn();
  std::string configuration() const;
  Duration delay_before_start() const;

  Task<> watch_exit();
  Task<> read_frames();
  Task<> pause_reading(std::size_t got);
  Task<> write_frames();
  Task<bool> write_all_of(std::string_view bytes);
  Task<> read_lines(asio::posix::stream_descriptor& from, LogLevel level, std::string* last);
  bool route_all();
  Result<> route(const Frame& frame);
  Result<> route_to_host(const Frame& frame);
  Result<> on_hello(const Frame& frame);
  Result<> write_log(const Frame& frame);
  void on_end_of_frames();
  void ping();
  void on_pong();
  void conclude(const Error& why);
  Error reason() const;

  MainLoop& loop_;
  Log& log_;
  const Options options_;
  ChannelListener* templates_ = nullptr;
  std::vector<std::string> loads_;
  bool live_phase_ = false;
  bool stopping_ = false;

  State state_ = State::idle;
  Waiters changed_;
  std::uint64_t generation_ = 0;
  std::optional<Error> start_error_;  ///< of this generation
  std::uint32_t last_channel_ = kHostChannel;
  std::map<std::uint32_t, ChannelListener*> channels_;
  std::vector<std::unique_ptr<LoadWatch>> load_watches_;
  std::unique_ptr<Running> running_;

  int early_deaths_ = 0;  ///< one after the other
  Instant died_at_{};

  TaskGroup tasks_;
};

}  // namespace millrace::python
