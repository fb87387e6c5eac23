// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/loop/channel.hpp"
#include "millrace/plugin/source.hpp"

namespace millrace::syslog {

struct ReceiverOptions {
  std::string host;                   ///< an address, or a name: then all its addresses
  std::uint16_t port = 0;             ///< 0: any free one
  std::size_t max_message = 8192;     ///< bytes; longer ones are refused
  std::size_t max_connections = 100;  ///< more wait in the system's queue
  Duration idle_timeout =
      std::chrono::seconds(300);  ///< in which a connection must bring a message
};

/// Says yes once a minute, so that the log tells of what happens all the time without being filled.
class Seldom {
 public:
  explicit Seldom(const Clock& clock) : clock_(clock) {}
  bool now();

 private:
  const Clock& clock_;
  std::optional<Instant> last_;
};

/// Listens on the addresses of a host and makes events of what comes; how, says the transport. Loop
/// thread only.
class Receiver {
 public:
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  virtual ~Receiver() = default;

  /// Errors: not_found when the host's name has no address; io when an address cannot be had;
  /// cancelled.
  Task<Result<>> listen();
  /// Until the task is asked to stop, or the engine takes no more; nothing is left open when it
  /// returns. Never success.
  Task<Result<>> serve();

  std::uint16_t port() const { return port_; }

 protected:
  /// `transport` is what messages call it.
  Receiver(SourceContext& context, ReceiverOptions options, std::string_view transport);

  SourceContext& context() { return context_; }
  Log& log() { return context_.log(); }
  const std::string& log_name() const { return context_.log_name(); }
  const ReceiverOptions& options() const { return options_; }
  TaskGroup& tasks() { return tasks_; }
  /// Ends serve().
  void fail_with(const Error& error);
  /// False: nothing more can be had from the engine, end.
  Task<bool> emit(std::vector<Event> events);
  void refuse_too_long(std::string_view peer);

 private:
  /// Binds one more address. The port that was bound.
  virtual std::uint16_t open(const asio::ip::address& address, std::uint16_t port,
                             boost::system::error_code& error) = 0;
  /// Spawns the tasks that receive.
  virtual void start() = 0;
  virtual void close() = 0;

  SourceContext& context_;
  const ReceiverOptions options_;
  const std::string_view transport_;
  std::uint16_t port_ = 0;
  Waiters failed_;
  std::optional<Error> failure_;
  TaskGroup tasks_;
};

/// The event of one message. `peer` becomes `meta.peer`.
Event event_of(std::string_view message, std::string_view peer);

}  // namespace millrace::syslog
