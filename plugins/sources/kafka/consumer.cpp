// SPDX-License-Identifier: Apache-2.0
#include "consumer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "millrace/base/text.hpp"

namespace millrace::kafka {
namespace {

constexpr std::size_t kMostInBatch = 1000;
constexpr Duration kTick = std::chrono::seconds(1);
constexpr Duration kLastSettlements = std::chrono::milliseconds(400);
constexpr Duration kLeaving = std::chrono::milliseconds(400);

std::string milliseconds(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

Consumer::Consumer(SourceContext& context, const KafkaOptions& options)
    : context_(context),
      options_(options),
      batch_size_(std::clamp<std::size_t>(options.max_in_flight / 4, 1, kMostInBatch)),
      reader_(context, options),
      in_flight_(std::make_shared<InFlight>(
          [this](const Assignment& assignment, std::int64_t next, std::size_t messages) {
            on_settled(assignment, next, messages);
          },
          [this] { changed_.notify_all(); })),
      tasks_(context.loop().executor(),
             [this](std::string_view task, const std::exception_ptr& /*why*/) {
               fail_with(fail(Errc::io, "{} ended by an exception", task));
             }),
      fetched_(batch_size_) {}

Consumer::~Consumer() { in_flight_->detach(); }

// --- the client ---

Result<> Consumer::open() {
  auto wakeup = messaging::KafkaWakeup::create(context_.loop(), [this] { changed_.notify_all(); });
  if (!wakeup) return wakeup.error();
  wakeup_ = std::move(*wakeup);
  if (auto made = make_client(); !made) return made;
  if (options_.group.empty()) {
    queue_ = rd_kafka_queue_new(client_);
    auto* const events = rd_kafka_queue_get_main(client_);
    wakeup_->watch(events);
    rd_kafka_queue_destroy(events);
  } else {
    rd_kafka_poll_set_consumer(client_);
    queue_ = rd_kafka_queue_get_consumer(client_);
  }
  wakeup_->watch(queue_);
  return {};
}

messaging::KafkaSettings Consumer::group_settings() const {
  const bool has_group = !options_.group.empty();
  messaging::KafkaSettings settings{
      {"auto.offset.reset", options_.start},
      {"enable.auto.commit", has_group ? "true" : "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.commit.interval.ms", "100"},
      {"topic.metadata.refresh.interval.ms", milliseconds(options_.metadata_max_age)},
      {"allow.auto.create.topics", "true"},
      {"fetch.error.backoff.ms", "100"},
      // Only bytes bound what is fetched ahead: at a bound the library stops for up to a second.
      {"queued.min.messages", "10000000"},
      {"queued.max.messages.kbytes", "65536"},
      {"socket.timeout.ms", milliseconds(options_.request_timeout)},
  };
  if (has_group) {
    settings.emplace_back("group.id", options_.group);
    settings.emplace_back("session.timeout.ms", milliseconds(options_.session_timeout));
    settings.emplace_back("heartbeat.interval.ms", milliseconds(options_.session_timeout / 3));
  }
  return settings;
}

Result<> Consumer::make_client() {
  auto settings =
      messaging::kafka_client_settings(options_.brokers, options_.client_id, options_.security);
  if (!settings) return settings.error();
  std::ranges::copy(group_settings(), std::back_inserter(*settings));
  std::array<char, 512> why{};
  auto* const configuration = rd_kafka_conf_new();
  for (const auto& [name, value] : *settings) {
    if (rd_kafka_conf_set(configuration, name.c_str(), value.c_str(), why.data(), why.size()) !=
        RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(configuration);
      return fail(Errc::invalid_settings, "{}", why.data());
    }
  }
  rd_kafka_conf_set_opaque(configuration, this);
  rd_kafka_conf_set_rebalance_cb(configuration, on_rebalance);
  rd_kafka_conf_set_offset_commit_cb(configuration, on_commit);
  rd_kafka_conf_set_error_cb(configuration, on_error);
  rd_kafka_conf_set_log_cb(configuration, on_log);
  rd_kafka_conf_set_socket_cb(configuration, on_socket);
  rd_kafka_conf_set_closesocket_cb(configuration, on_close_socket);
  client_ = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, why.data(), why.size());
  if (client_ != nullptr) return {};
  rd_kafka_conf_destroy(configuration);
  return fail(Errc::invalid_settings, "{}", printable(why.data()));
}

Task<Result<>> Consumer::run() {
  for (const auto& warning : options_.warnings)
    context_.log().warning(context_.log_name(), "{}", warning);
  context_.status().link = SourceStatus::Link::connecting;
  if (auto opened = open(); !opened) co_return opened;
  polled_at_ = context_.clock().now();
  ticking_ = context_.loop().call_later(kTick, [this] { tick(); });
  Result<> ended;
  if (!options_.group.empty() && options_.topic_pattern.empty()) ended = subscribe(options_.topics);
  if (ended) {
    tasks_.spawn("link", watch_link());
    if (options_.group.empty() || !options_.topic_pattern.empty())
      tasks_.spawn("topics", follow_topics());
    ended = co_await consume();
  }
  tasks_.request_stop();
  co_await tasks_.join();
  co_await close();
  co_return ended;
}

// Within a second, also when the brokers are away.
Task<> Consumer::close() {
  closing_ = true;
  raw_.clear();
  co_await wait_for_settlement();
  in_flight_->detach();
  if (ticking_) context_.loop().cancel(*ticking_);
  if (!options_.group.empty()) co_await leave_group();
  sockets_.cut();
  raw_.clear();
  last_found_.reset();
  rd_kafka_queue_cb_event_enable(queue_, nullptr, nullptr);
  std::vector<PartitionName> started;
  started.reserve(assignments_.size());
  for (const auto& [name, assignment] : assignments_) started.push_back(name);
  auto job = [client = client_, queue = queue_, topics = std::move(started_topics_),
              names = std::move(started)] {
    for (const auto& [topic, partition] : names) {
      const auto found = topics.find(topic);
      if (found != topics.end()) rd_kafka_consume_stop(found->second, partition);
    }
    for (const auto& [name, topic] : topics) rd_kafka_topic_destroy(topic);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return true;
  };
  co_await context_.pool().run(std::move(job));
  client_ = nullptr;
}

// What was handed over may still be acted upon, and then need not come again.
Task<> Consumer::wait_for_settlement() {
  bool over = false;
  asio::steady_timer alarm(context_.loop().executor(), kLastSettlements);
  alarm.async_wait([&](const boost::system::error_code& error) {
    if (error) return;
    over = true;
    changed_.notify_all();
  });
  while (in_flight_->count() > 0 && !over) co_await changed_.wait_to_the_end();
}

Task<> Consumer::leave_group() {
  auto* const error = rd_kafka_consumer_close_queue(client_, queue_);
  if (error != nullptr) {
    rd_kafka_error_destroy(error);
    co_return;
  }
  bool over = false;
  asio::steady_timer alarm(context_.loop().executor(), kLeaving);
  alarm.async_wait([&](const boost::system::error_code& ended) {
    if (ended) return;
    over = true;
    changed_.notify_all();
  });
  if (context_.status().link != SourceStatus::Link::up) over = true;  // nobody to say good-bye to
  while (true) {
    poll();
    raw_.clear();
    if (over || rd_kafka_consumer_closed(client_) != 0) co_return;
    co_await changed_.wait_to_the_end();
  }
}

// --- messages ---

bool Consumer::has_room() const {
  return in_flight_->count() + batch_size_ <= std::max(options_.max_in_flight, batch_size_);
}

Task<Result<>> Consumer::consume() {
  while (true) {
    if (failure_) co_return *failure_;
    if (has_room()) {
      if (std::exchange(paused_, false)) rd_kafka_resume_partitions(client_, assigned().get());
      poll();
      if (failure_) co_return *failure_;
      if (!raw_.empty()) {
        if (auto handed = co_await hand_over(); !handed) co_return handed;
        continue;
      }
    }
    if (auto waited = co_await changed_.wait(); !waited) co_return waited;
  }
}

void Consumer::poll() {
  polled_at_ = context_.clock().now();
  if (options_.group.empty()) rd_kafka_poll(client_, 0);
  if (raw_.size() >= batch_size_) return;
  const auto count =
      rd_kafka_consume_batch_queue(queue_, 0, fetched_.data(), batch_size_ - raw_.size());
  for (ssize_t i = 0; i < count; ++i) take(fetched_[static_cast<std::size_t>(i)]);
}

void Consumer::take(rd_kafka_message_t* message) {
  std::unique_ptr<rd_kafka_message_t, FreeMessage> owned(message);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    report(message->err, printable(rd_kafka_message_errstr(message)));
    return;
  }
  auto assignment = find(*message);
  if (!assignment) return;  // it has been taken from us
  raw_.push_back({std::move(owned), std::move(assignment)});
}

Task<Result<>> Consumer::hand_over() {
  auto raw = std::exchange(raw_, {});
  std::erase_if(raw, [](const RawMessage& each) { return !each.assignment->is_ours; });
  const auto batch = in_flight_->begin();
  for (const auto& each : raw) batch->add(each.assignment, each.message->offset);
  auto events = co_await MessageBatch::make(raw, reader_, context_);
  if (!events) co_return events.error();
  if (events->events.empty()) {
    batch->settle();
    co_return Result<>();
  }
  events->delivery.settled = [batch] { batch->settle(); };
  co_return co_await context_.emit(std::move(*events));
}

// --- partitions ---

void Consumer::assign(const std::string& topic, std::int32_t partition) {
  auto made = std::make_shared<Assignment>();
  made->topic = topic;
  made->partition = partition;
  assignments_[{topic, partition}] = std::move(made);
  last_topic_ = nullptr;
}

AssignmentPtr Consumer::find(const rd_kafka_message_t& message) {
  if (message.rkt == last_topic_ && last_found_ && last_found_->is_ours &&
      last_found_->partition == message.partition)
    return last_found_;
  const auto found = assignments_.find({rd_kafka_topic_name(message.rkt), message.partition});
  if (found == assignments_.end()) return nullptr;
  last_topic_ = message.rkt;
  last_found_ = found->second;
  return last_found_;
}

Consumer::PartitionList Consumer::assigned() const {
  PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(assignments_.size())));
  for (const auto& [name, assignment] : assignments_)
    rd_kafka_topic_partition_list_add(list.get(), name.first.c_str(), name.second);
  return list;
}

void Consumer::on_rebalance(rd_kafka_t* client, rd_kafka_resp_err_t what,
                            rd_kafka_topic_partition_list_t* partitions, void* opaque) {
  auto& self = *static_cast<Consumer*>(opaque);
  // What had been stored of those that leave, the library commits first.
  for (auto& [name, assignment] : self.assignments_) assignment->is_ours = false;
  self.assignments_.clear();
  self.last_found_.reset();
  std::erase_if(self.raw_, [](const RawMessage& each) { return !each.assignment->is_ours; });
  if (what != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    rd_kafka_assign(client, nullptr);
    return;
  }
  for (int i = 0; i < partitions->cnt; ++i)
    self.assign(partitions->elems[i].topic, partitions->elems[i].partition);
  rd_kafka_assign(client, partitions);
  if (self.paused_) rd_kafka_pause_partitions(client, partitions);
  self.context_.log().info(self.context_.log_name(), "reads {} partition{} for group {}",
                           partitions->cnt, partitions->cnt == 1 ? "" : "s", self.options_.group);
}

Result<> Consumer::subscribe(const std::vector<std::string>& topics) {
  if (topics == subscribed_ || topics.empty()) return {};
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(topics.size())));
  for (const auto& topic : topics) {
    // A name that begins so would be a pattern to the library.
    if (topic.starts_with('^'))
      return fail(Errc::invalid_settings, "{} cannot be a topic", printable(topic));
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  const auto outcome = rd_kafka_subscribe(client_, list.get());
  if (outcome != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(Errc::invalid_settings, "cannot subscribe: {}", rd_kafka_err2str(outcome));
  subscribed_ = topics;
  return {};
}

// Without a group somebody must find the partitions, with a pattern the topics.
Task<> Consumer::follow_topics() {
  while (!tasks_.stopping()) {
    while (link_is_lost_) {
      if (auto waited = co_await link_changed_.wait(); !waited) co_return;
    }
    const auto found = co_await ask_partitions();
    if (found) take_partitions(*found);
    if (!found && found.error().code() != Errc::unavailable) fail_with(found.error());
    const bool is_early = assignments_.empty() && subscribed_.empty();
    const auto pause =
        is_early ? std::min(options_.metadata_max_age, kTick) : options_.metadata_max_age;
    if (auto slept = co_await context_.sleep_for(pause); !slept) co_return;
  }
}

void Consumer::take_partitions(const PartitionNames& found) {
  if (options_.group.empty()) {
    for (const auto& name : found) start_partition(name);
    return;
  }
  std::vector<std::string> topics;
  for (const auto& [topic, partition] : found) {
    if (topics.empty() || topics.back() != topic) topics.push_back(topic);
  }
  if (auto subscribed = subscribe(topics); !subscribed) fail_with(subscribed.error());
}

void Consumer::start_partition(const PartitionName& name) {
  if (assignments_.contains(name)) return;
  auto& topic = started_topics_[name.first];
  if (topic == nullptr) topic = rd_kafka_topic_new(client_, name.first.c_str(), nullptr);
  assign(name.first, name.second);
  const auto from = options_.start == "earliest" ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
  if (rd_kafka_consume_start_queue(topic, name.second, from, queue_) != 0) {
    assignments_.erase(name);
    report(rd_kafka_last_error(), rd_kafka_err2str(rd_kafka_last_error()));
    return;
  }
  if (paused_) rd_kafka_pause_partitions(client_, assigned().get());
  context_.log().info(context_.log_name(), "reads partition {} of {}", name.second,
                      printable(name.first));
}

void Consumer::on_settled(const Assignment& assignment, std::int64_t next, std::size_t messages) {
  if (options_.group.empty() || client_ == nullptr) return;
  const PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), assignment.topic.c_str(), assignment.partition)
      ->offset = next;
  if (rd_kafka_offsets_store(client_, list.get()) == RD_KAFKA_RESP_ERR_NO_ERROR)
    unreported_ += messages;
}

void Consumer::on_commit(rd_kafka_t* /*client*/, rd_kafka_resp_err_t outcome,
                         rd_kafka_topic_partition_list_t* /*offsets*/, void* opaque) {
  auto& self = *static_cast<Consumer*>(opaque);
  if (outcome == RD_KAFKA_RESP_ERR_NO_ERROR) {
    self.context_.status().acknowledged += std::exchange(self.unreported_, 0);
  } else if (outcome != RD_KAFKA_RESP_ERR__NO_OFFSET) {
    self.report(outcome, fmt::format("offsets were not committed: {}", rd_kafka_err2str(outcome)));
  }
}

}  // namespace millrace::kafka
