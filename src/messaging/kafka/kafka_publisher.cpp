// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/kafka_publisher.hpp"

#include <librdkafka/rdkafka.h>

#include <array>
#include <thread>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/messaging/kafka_wakeup.hpp"

namespace millrace::messaging {
namespace {

constexpr std::string_view kComponent = "kafka";
constexpr std::size_t kMostWaiting = 10'000;                      // messages
constexpr std::size_t kMostWaitingBytes = std::size_t{64} << 20;  // of bodies
constexpr Duration kGrace = std::chrono::milliseconds(500);       // for the report of a timeout
constexpr int kPurging = 100;                                     // milliseconds

Errc code_of(rd_kafka_resp_err_t why) {
  switch (why) {
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      return Errc::timeout;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return Errc::permission_denied;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
      return Errc::invalid_settings;
    default:
      return Errc::unavailable;
  }
}

// Waits for its report. Lives until that has come, though its caller may have left: then nobody
// reads it.
struct Waiting {
  Waiters reported;
  std::optional<rd_kafka_resp_err_t> outcome;
  std::size_t bytes = 0;
  bool abandoned = false;
};

class LibrdkafkaPublisher final : public KafkaPublisher {
 public:
  LibrdkafkaPublisher(MainLoop& loop, Log& log, KafkaPublisherOptions options)
      : loop_(loop), log_(log), options_(std::move(options)) {}
  ~LibrdkafkaPublisher() override {
    if (client_ == nullptr) return;
    if (waiting_ > 0) {  // their callers have left
      rd_kafka_purge(client_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
      rd_kafka_flush(client_, kPurging);
    }
    if (queue_ != nullptr) {
      rd_kafka_queue_cb_event_enable(queue_, nullptr, nullptr);
      rd_kafka_queue_destroy(queue_);
    }
    rd_kafka_destroy(client_);
  }

  Result<> open() {
    auto settings = kafka_client_settings(options_.brokers, options_.client_id, options_.security);
    if (!settings) return settings.error();
    const auto timeout =
        std::chrono::duration_cast<std::chrono::milliseconds>(options_.timeout).count();
    settings->emplace_back("acks", "all");
    settings->emplace_back("enable.idempotence", "true");
    settings->emplace_back("delivery.timeout.ms", std::to_string(timeout));
    settings->emplace_back("linger.ms", "0");
    settings->emplace_back("message.max.bytes", "104857600");  // the broker's limit counts
    auto wakeup = KafkaWakeup::create(loop_, [this] { rd_kafka_poll(client_, 0); });
    if (!wakeup) return wakeup.error();
    if (auto made = make_client(*settings); !made) return made;
    queue_ = rd_kafka_queue_get_main(client_);
    wakeup_ = std::move(*wakeup);
    wakeup_->watch(queue_);
    return {};
  }

  Task<Result<>> publish(OutgoingMessage message) override {
    while (waiting_ >= kMostWaiting || waiting_bytes_ >= kMostWaitingBytes) {
      if (auto waited = co_await room_.wait(); !waited) co_return waited;
    }
    // Shared with the library, which reports also to those who have left.
    auto waiting = std::make_unique<Waiting>();
    waiting->bytes = message.body.size();
    if (auto sent = send(message, waiting.get()); !sent) co_return sent;
    auto* const ticket = waiting.release();  // the report deletes it, or we do after the report
    ++waiting_;
    waiting_bytes_ += ticket->bytes;
    // The library's own limit begins only once it has found a broker.
    const Instant deadline = loop_.clock().now() + options_.timeout + kGrace;
    const auto alarm =
        loop_.call_later(options_.timeout + kGrace, [ticket] { ticket->reported.notify_all(); });
    Result<> waited;
    while (waited && !ticket->outcome && loop_.clock().now() < deadline)
      waited = co_await ticket->reported.wait();
    loop_.cancel(alarm);
    if (!ticket->outcome) {
      ticket->abandoned = true;
      co_return waited ? judge(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT) : waited;
    }
    const std::unique_ptr<Waiting> done(ticket);
    co_return judge(*done->outcome);
  }

 private:
  Result<> make_client(const KafkaSettings& settings) {
    std::array<char, 512> why{};
    auto* const configuration = rd_kafka_conf_new();
    for (const auto& [name, value] : settings) {
      if (rd_kafka_conf_set(configuration, name.c_str(), value.c_str(), why.data(), why.size()) !=
          RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(configuration);
        return fail(Errc::invalid_settings, "{}", why.data());
      }
    }
    rd_kafka_conf_set_opaque(configuration, this);
    rd_kafka_conf_set_dr_msg_cb(configuration, on_report);
    rd_kafka_conf_set_error_cb(configuration, on_error);
    rd_kafka_conf_set_log_cb(configuration, on_log);
    client_ = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, why.data(), why.size());
    if (client_ != nullptr) return {};
    rd_kafka_conf_destroy(configuration);
    return fail(Errc::invalid_settings, "{}", why.data());
  }

  Result<> send(const OutgoingMessage& message, Waiting* waiting) {
    auto* headers =
        message.headers.empty() ? nullptr : rd_kafka_headers_new(message.headers.size());
    for (const auto& [name, value] : message.headers) {
      rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                          static_cast<ssize_t>(value.size()));
    }
    std::array<rd_kafka_vu_t, 6> parts{};
    parts[0].vtype = RD_KAFKA_VTYPE_TOPIC;
    parts[0].u.cstr = message.topic.c_str();
    parts[1].vtype = RD_KAFKA_VTYPE_VALUE;
    parts[1].u.mem = {const_cast<char*>(message.body.data()), message.body.size()};
    parts[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    parts[2].u.i = RD_KAFKA_MSG_F_COPY;
    parts[3].vtype = RD_KAFKA_VTYPE_OPAQUE;
    parts[3].u.ptr = waiting;
    std::size_t count = 4;
    if (!message.key.empty()) {
      parts.at(count).vtype = RD_KAFKA_VTYPE_KEY;
      parts.at(count++).u.mem = {const_cast<char*>(message.key.data()), message.key.size()};
    }
    if (headers != nullptr) {
      parts.at(count).vtype = RD_KAFKA_VTYPE_HEADERS;
      parts.at(count++).u.headers = headers;
    }
    auto* const error = rd_kafka_produceva(client_, parts.data(), count);
    if (error == nullptr) return {};
    const auto code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    if (headers != nullptr) rd_kafka_headers_destroy(headers);
    return judge(code);
  }

  Result<> judge(rd_kafka_resp_err_t outcome) const {
    if (outcome == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    const bool reason_known = outcome == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT && !trouble_.empty();
    if (reason_known && refused_)
      return fail(Errc::permission_denied, "Kafka refused us: {}", trouble_);
    return fail(code_of(outcome), "not confirmed by Kafka: {}{}{}", rd_kafka_err2str(outcome),
                reason_known ? ": " : "", reason_known ? trouble_ : std::string());
  }

  static void on_report(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* opaque) {
    auto& self = *static_cast<LibrdkafkaPublisher*>(opaque);
    auto* const waiting = static_cast<Waiting*>(message->_private);
    --self.waiting_;
    self.waiting_bytes_ -= waiting->bytes;
    self.room_.notify_all();
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      self.trouble_.clear();
      self.refused_ = false;
    }
    if (waiting->abandoned) {
      delete waiting;
      return;
    }
    waiting->outcome = message->err;
    waiting->reported.notify_all();
  }

  static void on_error(rd_kafka_t* client, int code, const char* reason, void* opaque) {
    auto& self = *static_cast<LibrdkafkaPublisher*>(opaque);
    std::array<char, 512> text{};
    if (code == RD_KAFKA_RESP_ERR__FATAL) rd_kafka_fatal_error(client, text.data(), text.size());
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;
    const bool is_news = self.trouble_.empty();
    self.trouble_ = printable(code == RD_KAFKA_RESP_ERR__FATAL ? text.data() : reason);
    self.refused_ = code == RD_KAFKA_RESP_ERR__AUTHENTICATION;
    if (is_news) self.log_.warning(kComponent, "cannot send to Kafka: {}", self.trouble_);
  }

  static void on_log(const rd_kafka_t* client, int /*level*/, const char* /*facility*/,
                     const char* text) {
    auto& self = *static_cast<LibrdkafkaPublisher*>(rd_kafka_opaque(client));
    self.log_.debug(kComponent, "{}", text);
  }

  MainLoop& loop_;
  Log& log_;
  const KafkaPublisherOptions options_;
  std::unique_ptr<KafkaWakeup> wakeup_;
  rd_kafka_t* client_ = nullptr;
  rd_kafka_queue_t* queue_ = nullptr;

  // Loop thread only.
  std::size_t waiting_ = 0;
  std::size_t waiting_bytes_ = 0;
  Waiters room_;
  std::string trouble_;   // why messages wait; empty: none
  bool refused_ = false;  // the trouble is with who we are
};

}  // namespace

Result<std::unique_ptr<KafkaPublisher>> KafkaPublisher::create(MainLoop& loop, Log& log,
                                                               KafkaPublisherOptions options) {
  if (options.brokers.empty()) return fail(Errc::invalid_settings, "no Kafka brokers are given");
  auto publisher = std::make_unique<LibrdkafkaPublisher>(loop, log, std::move(options));
  if (auto opened = publisher->open(); !opened) return opened.error();
  return std::unique_ptr<KafkaPublisher>(std::move(publisher));
}

}  // namespace millrace::messaging
