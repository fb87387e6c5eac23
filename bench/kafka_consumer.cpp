// SPDX-License-Identifier: Apache-2.0
// A bare consumer of librdkafka: reads a topic from its beginning, looks at nothing.
//   bench_kafka_consumer BROKER TOPIC COUNT GROUP
// Prints {"messages":…,"bytes":…}.

#include <librdkafka/rdkafka.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

rd_kafka_t* make_client(const char* broker, const char* group) {
  std::array<char, 512> why{};
  rd_kafka_conf_t* configuration = rd_kafka_conf_new();
  for (const auto& [name, value] :
       std::to_array<std::array<const char*, 2>>({{"bootstrap.servers", broker},
                                                  {"group.id", group},
                                                  {"enable.auto.commit", "false"},
                                                  {"auto.offset.reset", "earliest"}})) {
    if (rd_kafka_conf_set(configuration, name, value, why.data(), why.size()) != RD_KAFKA_CONF_OK)
      return nullptr;
  }
  return rd_kafka_new(RD_KAFKA_CONSUMER, configuration, why.data(), why.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const auto wanted = std::strtoull(argv[3], nullptr, 10);
  rd_kafka_t* client = make_client(argv[1], argv[4]);
  if (client == nullptr) return 1;
  rd_kafka_poll_set_consumer(client);
  auto* topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, argv[2], RD_KAFKA_PARTITION_UA);
  rd_kafka_subscribe(client, topics);
  rd_kafka_topic_partition_list_destroy(topics);
  auto* queue = rd_kafka_queue_get_consumer(client);
  std::vector<rd_kafka_message_t*> messages(1000);
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  while (count < wanted) {
    const auto read = rd_kafka_consume_batch_queue(queue, 100, messages.data(), messages.size());
    for (ssize_t i = 0; i < read; ++i) {
      auto* message = messages[static_cast<std::size_t>(i)];
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        ++count;
        bytes += message->len;
      }
      rd_kafka_message_destroy(message);
    }
  }
  std::printf("{\"messages\":%llu,\"bytes\":%llu}\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(bytes));
  rd_kafka_queue_destroy(queue);
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
  return 0;
}
