// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <librdkafka/rdkafka.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "body_reader.hpp"
#include "in_flight.hpp"
#include "kafka_options.hpp"
#include "message_batch.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/messaging/kafka_wakeup.hpp"
#include "millrace/plugin/source.hpp"
#include "sockets.hpp"

namespace millrace::kafka {

/// Reads topics, as a member of a group or alone, and hands over what it reads. The library fetches
/// on threads of its own; everything here is on the loop thread, callbacks included, which only run
/// when its queue is asked. Offsets are stored as messages settle; the library commits what is
/// stored, ten times a second, and before partitions are given up.
class Consumer {
 public:
  Consumer(SourceContext& context, const KafkaOptions& options);
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;
  ~Consumer();

  /// Until it is cancelled or cannot go on.
  Task<Result<>> run();

 private:
  using PartitionName = std::pair<std::string, std::int32_t>;
  using PartitionNames = std::set<PartitionName>;
  struct FreePartitions {
    void operator()(rd_kafka_topic_partition_list_t* list) const {
      rd_kafka_topic_partition_list_destroy(list);
    }
  };
  using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, FreePartitions>;

  // The client and its end.
  Result<> open();
  Result<> make_client();
  messaging::KafkaSettings group_settings() const;
  Task<> close();
  Task<> wait_for_settlement();
  Task<> leave_group();

  // Messages.
  Task<Result<>> consume();
  void poll();
  void take(rd_kafka_message_t* message);
  Task<Result<>> hand_over();
  bool has_room() const;

  // Which partitions are ours.
  void assign(const std::string& topic, std::int32_t partition);
  AssignmentPtr find(const rd_kafka_message_t& message);
  Result<> subscribe(const std::vector<std::string>& topics);
  Task<> follow_topics();
  Task<Result<PartitionNames>> ask_partitions();
  void take_partitions(const PartitionNames& found);
  void start_partition(const PartitionName& name);
  PartitionList assigned() const;

  // How the link is.
  Task<> watch_link();
  Task<Result<>> ask_brokers();
  void link_lost(const std::string& reason);
  void tick();
  void pause_when_blocked();
  void update_lag();
  void on_settled(const Assignment& assignment, std::int64_t next, std::size_t messages);
  void fail_with(Error error);
  void report(rd_kafka_resp_err_t code, const std::string& reason);

  static void on_rebalance(rd_kafka_t* client, rd_kafka_resp_err_t what,
                           rd_kafka_topic_partition_list_t* partitions, void* opaque);
  static void on_commit(rd_kafka_t* client, rd_kafka_resp_err_t outcome,
                        rd_kafka_topic_partition_list_t* offsets, void* opaque);
  static void on_error(rd_kafka_t* client, int code, const char* reason, void* opaque);
  static int on_socket(int domain, int type, int protocol, void* opaque);
  static int on_close_socket(int socket, void* opaque);
  static void on_log(const rd_kafka_t* client, int level, const char* facility, const char* text);

  SourceContext& context_;
  const KafkaOptions& options_;
  const std::size_t batch_size_;
  BodyReader reader_;
  std::shared_ptr<InFlight> in_flight_;  // shared with deliveries
  std::unique_ptr<messaging::KafkaWakeup> wakeup_;
  Sockets sockets_;
  rd_kafka_t* client_ = nullptr;
  rd_kafka_queue_t* queue_ = nullptr;  // of messages
  TaskGroup tasks_;

  Waiters changed_;  // there may be something to do
  std::optional<Error> failure_;
  std::map<PartitionName, AssignmentPtr, std::less<>> assignments_;
  AssignmentPtr last_found_;
  const rd_kafka_topic_t* last_topic_ = nullptr;
  std::map<std::string, rd_kafka_topic_t*, std::less<>> started_topics_;  // without a group
  std::vector<std::string> subscribed_;
  std::vector<RawMessage> raw_;  // read, and not handed over
  std::vector<rd_kafka_message_t*> fetched_;
  std::uint64_t unreported_ = 0;  // stored and not yet committed
  std::optional<MainLoop::TimerId> ticking_;
  Instant polled_at_;
  bool paused_ = false;
  bool closing_ = false;
  bool link_is_lost_ = true;
  std::string trouble_;  // the last reason that the library gave
  Waiters link_changed_;
  std::set<std::string, std::less<>> told_;  // troubles that were logged
};

}  // namespace millrace::kafka
