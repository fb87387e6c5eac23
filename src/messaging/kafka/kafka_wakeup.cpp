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
    : descriptor_(descriptor),
      stream_(loop.executor(), descriptor),
      callback_(std::move(callback)) {
  wait();
}

// Not by the library's own writing to a descriptor, which leaves out what comes within milliseconds
// of the last.
void KafkaWakeup::watch(rd_kafka_queue_s* queue) {
  rd_kafka_queue_cb_event_enable(queue, on_event, this);
}

// On a thread of the library.
void KafkaWakeup::on_event(rd_kafka_s* /*client*/, void* opaque) {
  ::eventfd_write(static_cast<KafkaWakeup*>(opaque)->descriptor_, 1);
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
