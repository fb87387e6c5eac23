// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "in_flight.hpp"
#include "millrace/loop/backoff.hpp"
#include "millrace/net/aws_client.hpp"
#include "millrace/plugin/source.hpp"

namespace millrace::aws_sqs_queue {

struct QueueOptions {
  std::string name;
  std::string owner = {};  ///< account; empty: that of the keys
  net::AwsAccount account = {};
  std::int64_t wait = 2;  ///< seconds that the service waits for messages
  std::size_t at_once = 1;
  std::size_t prefetch = 10;                   ///< messages that may be here and not deleted
  std::optional<std::int64_t> hidden_seconds;  ///< none: as the queue says, never renewed
};

/// Reads one queue until it is stopped; deletes what is settled, and keeps hidden what is not.
class QueueReader {
 public:
  QueueReader(SourceContext& context, net::HttpClient& http, const QueueOptions& options);

  /// Errors: cancelled; invalid_settings, permission_denied, not_found when it cannot work; those
  /// of emit().
  Task<Result<>> run();

 private:
  using Messages = std::vector<Object>;

  Result<> sign_in();
  Task<Result<>> receive();
  Task<Result<>> find_queue();
  Task<Result<Messages>> fetch();
  Task<Result<>> emit(Messages messages);
  Task<Result<>> pause_after(Error why);
  void on_success();
  Task<> delete_settled();
  Task<bool> delete_batch(const std::vector<std::string>& receipts);
  Task<> keep_hidden();
  Task<> finish();

  SourceContext& context_;
  net::HttpClient& http_;
  const QueueOptions& options_;
  std::optional<net::AwsClient> client_;
  std::string url_;
  const std::shared_ptr<InFlight> in_flight_ = std::make_shared<InFlight>();
  TaskGroup tasks_;
  Backoff backoff_{{}};
  int refusals_ = 0;
  bool told_of_renewal_ = false;
};

}  // namespace millrace::aws_sqs_queue
