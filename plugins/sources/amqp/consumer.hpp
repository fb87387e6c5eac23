// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "amqp_settings.hpp"
#include "millrace/plugin/source.hpp"
#include "unsettled.hpp"

namespace millrace::amqp_source {

/// Reads by one connection, until it is lost. What batches still have to tell after that finds
/// nobody: their messages come again.
class Consumer {
 public:
  Consumer(SourceContext& context, const AmqpSettings& settings)
      : context_(context), settings_(settings) {}

  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;
  ~Consumer() {
    if (link_) link_->status = nullptr;
  }

  /// Up to the queue being consumed. Errors: as AmqpConnection's.
  Task<Result<>> start();
  /// Success: the connection is lost, why() tells the reason. Errors: those of emit(), cancelled.
  Task<Result<>> run();
  const Error& why() const { return *link_->connection->failure(); }

 private:
  /// Kept by the batches on their way, too: what is acted upon while the engine stops is still
  /// acknowledged.
  struct Link {
    std::unique_ptr<messaging::AmqpConnection> connection;
    Unsettled unsettled;
    SourceStatus* status;  ///< null once the source has gone
  };
  struct Batch {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::vector<std::uint64_t> tags;  ///< of its events
    std::set<std::uint64_t> refused;
  };

  Task<Result<>> emit(messaging::AmqpBatch received);
  Task<Result<>> emit_part(std::span<messaging::AmqpMessage> messages,
                           std::shared_ptr<const void> memory);
  Task<> ask_for_lag();
  static void settle(Link& link, const Batch& batch);

  SourceContext& context_;
  const AmqpSettings& settings_;
  std::shared_ptr<Link> link_;
  std::string queue_;
  Instant lag_asked_{};
};

}  // namespace millrace::amqp_source
