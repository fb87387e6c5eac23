// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/kafka_wakeup.hpp"

#include <librdkafka/rdkafka.h>
#include <sys/eventfd.h>

#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <utility>

namespace millrace::messaging {

Result<std::unique_ptr<KafkaWakeup>> KafkaWakeup::create(MainLoop& loop,
                                                         std::function<void()> callback) {
  const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (descriptor < 0) return fail_errno(errno, "cannot watch a Kafka client");
  return std::unique_ptr<KafkaWakeup>(new KafkaWakeup(loop, descriptor, std::move(callback)));
}

KafkaWakeup::KafkaWakeup(MainLoop& loop, int descriptor, std::function<void()> callback)
    : stream_(loop.executor(), descriptor), callback_(std::move(callback)) {
  wait();
}

void KafkaWakeup::watch(rd_kafka_queue_s* queue) {
  constexpr std::uint64_t kOne = 1;
  rd_kafka_queue_io_event_enable(queue, stream_.native_handle(), &kOne, sizeof(kOne));
}

void KafkaWakeup::wait() {
  stream_.async_read_some(asio::buffer(&count_, sizeof(count_)),
                          [this](const boost::system::error_code& error, std::size_t) {
                            if (error) return;
                            callback_();
                            wait();
                          });
}

}  // namespace millrace::messaging
