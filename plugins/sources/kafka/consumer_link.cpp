// SPDX-License-Identifier: Apache-2.0
// How a consumer stands with its brokers. What can block is asked for on the pool, in small
// portions.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "consumer.hpp"
#include "millrace/base/regex.hpp"
#include "millrace/base/text.hpp"
#include "millrace/loop/backoff.hpp"

namespace millrace::kafka {
namespace {

constexpr int kAsking = 300;  // milliseconds: a source must end within a second
constexpr Duration kTick = std::chrono::seconds(1);
constexpr Duration kLongBlocked = std::chrono::seconds(5);  // then nothing more is fetched
constexpr std::size_t kMostTold = 100;

using Names = std::set<std::pair<std::string, std::int32_t>>;

bool is_refusal(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
         code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
}

bool is_about_the_link(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__RESOLVE ||
         code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__SSL ||
         code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

Error error_of(rd_kafka_resp_err_t code) {
  return {is_refusal(code) ? Errc::permission_denied : Errc::unavailable, rd_kafka_err2str(code)};
}

// One question to a broker, any thread. Without a topic: about all topics, or about none.
Result<Names> ask(rd_kafka_t* client, rd_kafka_topic_t* topic, bool all) {
  const rd_kafka_metadata_t* answer = nullptr;
  const auto outcome = rd_kafka_metadata(client, all ? 1 : 0, topic, &answer, kAsking);
  if (outcome != RD_KAFKA_RESP_ERR_NO_ERROR) return error_of(outcome);
  Names names;
  for (int i = 0; i < answer->topic_cnt; ++i) {
    const auto& found = answer->topics[i];
    for (int j = 0; j < found.partition_cnt; ++j)
      names.emplace(found.topic, found.partitions[j].id);
  }
  const auto refused =
      topic != nullptr && answer->topic_cnt == 1 && is_refusal(answer->topics[0].err)
          ? answer->topics[0].err
          : RD_KAFKA_RESP_ERR_NO_ERROR;
  rd_kafka_metadata_destroy(answer);
  if (refused != RD_KAFKA_RESP_ERR_NO_ERROR) return error_of(refused);
  return names;
}

Result<Names> ask_topic(rd_kafka_t* client, const std::string& name) {
  auto* const topic = rd_kafka_topic_new(client, name.c_str(), nullptr);
  if (topic == nullptr)
    return fail(Errc::invalid_settings, "{} cannot be a topic", printable(name));
  auto names = ask(client, topic, false);
  rd_kafka_topic_destroy(topic);
  return names;
}

Names matching(const Names& all, const std::string& pattern) {
  const auto regex = Regex::compile(pattern, {.anchor = Regex::Anchor::start});
  Names found;
  if (!regex) return found;
  for (const auto& name : all) {
    if (!name.first.starts_with("__") && regex->search(name.first) == Regex::Outcome::match)
      found.insert(name);
  }
  return found;
}

}  // namespace

Task<Result<Consumer::PartitionNames>> Consumer::ask_partitions() {
  if (!options_.topic_pattern.empty()) {
    auto all =
        co_await context_.pool().run([client = client_] { return ask(client, nullptr, true); });
    if (!all) co_return all;
    co_return matching(*all, options_.topic_pattern);
  }
  PartitionNames names;
  for (const auto& topic : options_.topics) {
    auto found = co_await context_.pool().run(
        [client = client_, topic] { return ask_topic(client, topic); });
    if (!found) co_return found;
    names.merge(*found);
    if (tasks_.stopping()) break;
  }
  co_return names;
}

Task<Result<>> Consumer::ask_brokers() {
  const auto answer =
      co_await context_.pool().run([client = client_] { return ask(client, nullptr, false); });
  if (!answer) co_return answer.error();
  co_return Result<>();
}

Task<> Consumer::watch_link() {
  Backoff backoff({.first = std::chrono::milliseconds(100), .longest = std::chrono::seconds(2)});
  auto& status = context_.status();
  int tries = 0;
  while (!tasks_.stopping()) {
    if (!link_is_lost_) {
      if (auto waited = co_await link_changed_.wait(); !waited) co_return;
      continue;
    }
    const auto asked = co_await ask_brokers();
    if (tasks_.stopping()) co_return;
    if (asked) {
      if (status.link == SourceStatus::Link::retrying)
        context_.log().info(context_.log_name(), "connected with Kafka at {}", options_.brokers[0]);
      if (status.link != SourceStatus::Link::up) status.connected();
      link_is_lost_ = false;
      backoff.reset();
      tries = 0;
      trouble_.clear();
      link_changed_.notify_all();
      continue;
    }
    // The first answer may just take longer than a question waits.
    const bool is_slow_start = ++tries < 3 && trouble_.empty();
    if (!is_slow_start) link_lost(trouble_.empty() ? asked.error().message() : trouble_);
    if (auto slept = co_await context_.sleep_for(backoff.next()); !slept) co_return;
  }
}

void Consumer::link_lost(const std::string& reason) {
  link_is_lost_ = true;
  auto& status = context_.status();
  if (status.link == SourceStatus::Link::retrying) return;
  status.link = SourceStatus::Link::retrying;
  context_.log().warning(context_.log_name(), "cannot reach Kafka at {}, trying again: {}",
                         options_.brokers[0], reason);
  link_changed_.notify_all();
}

void Consumer::fail_with(Error error) {
  if (!failure_) failure_ = std::move(error);
  changed_.notify_all();
}

// Something is wrong with a topic, a partition or the group.
void Consumer::report(rd_kafka_resp_err_t code, const std::string& reason) {
  if (closing_) return;
  if (is_refusal(code)) {
    fail_with(fail(Errc::permission_denied, "Kafka refuses us: {}", reason));
  } else if (is_about_the_link(code)) {
    // One broker of many, perhaps: whether any answers is asked next.
    trouble_ = reason;
    link_is_lost_ = true;
    link_changed_.notify_all();
  } else if (told_.size() < kMostTold && told_.insert(reason).second) {
    context_.log().warning(context_.log_name(), "{}", reason);
  }
}

void Consumer::on_error(rd_kafka_t* client, int number, const char* text, void* opaque) {
  auto& self = *static_cast<Consumer*>(opaque);
  const auto code = static_cast<rd_kafka_resp_err_t>(number);
  if (self.closing_) return;
  std::string reason = printable(text);
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 512> fatal{};
    rd_kafka_fatal_error(client, fatal.data(), fatal.size());
    self.fail_with(fail(Errc::io, "{}", printable(fatal.data())));
  } else if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    self.link_lost(self.trouble_.empty() ? reason : self.trouble_);
  } else if (code == RD_KAFKA_RESP_ERR__SSL && reason.contains("certificate") &&
             self.context_.status().connects == 0) {
    self.fail_with(fail(Errc::permission_denied, "cannot speak with Kafka: {}", reason));
  } else if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION && self.context_.status().connects > 0) {
    // It has let us in before, so it may again.
    self.trouble_ = std::move(reason);
  } else {
    self.report(code, reason);
  }
}

void Consumer::on_log(const rd_kafka_t* client, int /*level*/, const char* /*facility*/,
                      const char* text) {
  const auto& self = *static_cast<const Consumer*>(rd_kafka_opaque(client));
  self.context_.log().debug(self.context_.log_name(), "{}", text);
}

int Consumer::on_socket(int domain, int type, int protocol, void* opaque) {
  return static_cast<Consumer*>(opaque)->sockets_.open(domain, type, protocol);
}

int Consumer::on_close_socket(int socket, void* opaque) {
  return static_cast<Consumer*>(opaque)->sockets_.close(socket);
}

// --- what is done every second ---

void Consumer::tick() {
  ticking_ = context_.loop().call_later(kTick, [this] { tick(); });
  pause_when_blocked();
  update_lag();
  changed_.notify_all();
}

// A member of a group must poll now and then, also while the engine is behind: nothing is fetched
// then, and what comes nevertheless is kept for the next batch.
void Consumer::pause_when_blocked() {
  if (context_.clock().now() - polled_at_ < (paused_ ? kTick : kLongBlocked)) return;
  if (!std::exchange(paused_, true)) rd_kafka_pause_partitions(client_, assigned().get());
  poll();
}

void Consumer::update_lag() {
  std::uint64_t lag = 0;
  bool is_known = false;
  for (const auto& [name, assignment] : assignments_) {
    std::int64_t low = 0;
    std::int64_t high = 0;
    if (rd_kafka_get_watermark_offsets(client_, name.first.c_str(), name.second, &low, &high) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        high < 0)
      continue;
    is_known = true;
    if (assignment->settled_to >= 0 && high > assignment->settled_to)
      lag += static_cast<std::uint64_t>(high - assignment->settled_to);
  }
  if (is_known) context_.status().lag = lag;
}

}  // namespace millrace::kafka
