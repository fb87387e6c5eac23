// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "millrace/base/result.hpp"
#include "millrace/loop/main_loop.hpp"

extern "C" {
struct rd_kafka_s;
struct rd_kafka_queue_s;
}

namespace millrace::messaging {

/// Calls back on the loop thread when a queue of librdkafka, which was empty, has something. Must
/// outlive the client whose queues it watches. Loop thread only.
class KafkaWakeup {
 public:
  /// Errors: io.
  static Result<std::unique_ptr<KafkaWakeup>> create(MainLoop& loop,
                                                     std::function<void()> callback);
  KafkaWakeup(const KafkaWakeup&) = delete;
  KafkaWakeup& operator=(const KafkaWakeup&) = delete;
  ~KafkaWakeup() = default;

  void watch(rd_kafka_queue_s* queue);

 private:
  KafkaWakeup(MainLoop& loop, int descriptor, std::function<void()> callback);
  static void on_event(rd_kafka_s* client, void* opaque);
  void wait();

  const int descriptor_;  // of stream_
  asio::posix::stream_descriptor stream_;
  std::function<void()> callback_;
  std::uint64_t count_ = 0;
};

}  // namespace millrace::messaging
