// SPDX-License-Identifier: Apache-2.0
#include "mqtt/session.hpp"

#include <algorithm>
#include <utility>

#include "millrace/event/event.hpp"

namespace millrace::messaging {

using mqtt::Kind;

namespace {

// What nobody has received yet.
constexpr std::size_t kMostWaiting = 10'000;
constexpr std::size_t kMostWaitingBytes = std::size_t{64} << 20;
constexpr std::size_t kMostUnconfirmed = 1000;
constexpr std::size_t kMostUnconfirmedBytes = std::size_t{64} << 20;
constexpr int kBeatsPerKeepalive = 2;
constexpr int kSilentBeats = 3;
constexpr int kRefused = 0x80;

// The code of the broker's answer to the first packet.
Error refusal(int code) {
  switch (code) {
    case 1:
      return fail(Errc::invalid_settings, "the broker does not speak MQTT 3.1.1");
    case 2:
      return fail(Errc::invalid_settings, "the broker refuses the client_id");
    case 4:
    case 5:
      return fail(Errc::permission_denied, "the broker refuses the username or the password");
    default:
      return fail(Errc::unavailable, "the broker is not available (code {})", code);
  }
}

}  // namespace

/// A message that waits for its acknowledgement; lives in publish().
struct MqttConnection::Session::Outgoing {
  std::optional<Result<>> outcome;
  Waiters changed;
};

Result<std::unique_ptr<MqttConnection::Session>> MqttConnection::Session::create(
    MainLoop& loop, MqttOptions options) {
  std::unique_ptr<Session> session(new Session(loop, std::move(options)));
  auto stream = Stream::create(loop, {.host = session->options_.host,
                                      .port = session->options_.port,
                                      .tls = session->options_.tls});
  if (!stream) return stream.error();
  session->stream_ = std::move(*stream);
  return session;
}

MqttConnection::Session::Session(MainLoop& loop, MqttOptions options)
    : loop_(loop), options_(std::move(options)) {}

MqttConnection::Session::~Session() {
  if (stream_ && connected_ && !failure_) {
    mqtt::put_empty(stream_->output(), Kind::disconnect);
    stream_->finish();
  } else if (stream_) {
    stream_->close();
  }
  if (timer_) loop_.cancel(*timer_);
}

Task<Result<>> MqttConnection::Session::open() {
  timer_ = loop_.call_later(options_.connect_timeout, [this] {
    timer_.reset();
    fail_with(fail(Errc::timeout, "{}:{} did not answer within {:g} seconds", options_.host,
                   options_.port, std::chrono::duration<double>(options_.connect_timeout).count()));
  });
  stream_->open(*this);
  if (auto opened = co_await wait_until_answered(connected_); !opened) co_return opened;
  loop_.cancel(*timer_);
  timer_.reset();
  if (options_.keepalive > Duration::zero())
    timer_ = loop_.call_later(options_.keepalive / kBeatsPerKeepalive, [this] { beat(); });
  co_return Result<>();
}

void MqttConnection::Session::on_open() {
  if (auto put = mqtt::put_connect(stream_->output(), options_); !put) fail_with(put.error());
}

Task<Result<>> MqttConnection::Session::wait_until_answered(std::optional<Result<>>& answer) {
  while (!answer && !failure_) {
    if (auto waited = co_await changed_.wait(); !waited) co_return waited;
  }
  if (failure_) co_return *failure_;
  co_return *answer;
}

Task<Result<>> MqttConnection::Session::subscribe(std::vector<MqttTopic> topics) {
  if (failure_) co_return *failure_;
  subscribed_.reset();
  if (auto put = mqtt::put_subscribe(stream_->output(), next_id(), topics); !put) co_return put;
  co_return co_await wait_until_answered(subscribed_);
}

// --- what arrives -----------------------------------------------------------------------------

std::size_t MqttConnection::Session::on_bytes(std::string_view bytes) {
  heard_ = true;
  const auto arrived = bytes.size();
  const auto skipped = std::min(skipping_, bytes.size());
  skipping_ -= skipped;
  input_ += bytes.substr(skipped);
  read_packets();
  if ((arrived_.size() > kMostWaiting || bodies_.size() > kMostWaitingBytes) && !paused_) {
    paused_ = true;
    stream_->pause();
  }
  if (!arrived_.empty()) changed_.notify_all();
  return arrived;
}

void MqttConnection::Session::read_packets() {
  std::size_t used = 0;
  while (!failure_ && skipping_ == 0) {
    const auto packet = mqtt::read_packet(std::string_view(input_).substr(used));
    if (!packet) return fail_with(packet.error());
    if (!*packet) break;
    const auto& [kind, flags, head, size, rest] = **packet;
    const bool is_whole = rest.size() == size;
    const bool is_large = size > options_.max_message + mqtt::kLongestHead;
    if (is_large && kind != Kind::publish)
      return fail_with(fail(Errc::corrupt, "the peer sent what is no MQTT"));
    if (!is_whole && !(is_large && rest.size() >= mqtt::kLongestHead)) break;
    if (auto taken = on_packet(**packet); !taken) return fail_with(taken.error());
    skipping_ = size - rest.size();
    used += head + rest.size();
  }
  input_.erase(0, used);
}

void MqttConnection::Session::on_end(Error why) { fail_with(std::move(why)); }

Result<> MqttConnection::Session::on_packet(const mqtt::Packet& packet) {
  switch (packet.kind) {
    case Kind::connack:
      return on_connack(packet);
    case Kind::publish:
      return on_publish(packet);
    case Kind::suback:
      return on_suback(packet);
    case Kind::puback: {
      const auto id = mqtt::read_id(packet);
      if (!id) return id.error();
      const auto found = unconfirmed_.find(*id);
      if (found == unconfirmed_.end()) return {};
      found->second->outcome = Result<>();
      found->second->changed.notify_all();
      return {};
    }
    case Kind::pubrel: {  // the broker has forgotten the message
      const auto id = mqtt::read_id(packet);
      if (!id) return id.error();
      mqtt::put_answer(stream_->output(), Kind::pubcomp, *id);
      return {};
    }
    case Kind::pingresp:
      return {};
    default:
      return fail(Errc::corrupt, "the peer sent what is no MQTT");
  }
}

Result<> MqttConnection::Session::on_connack(const mqtt::Packet& packet) {
  const auto answer = mqtt::read_id(packet);
  if (!answer || connected_) return fail(Errc::corrupt, "the peer sent what is no MQTT");
  const int code = *answer & 0xFF;
  if (code != 0) return refusal(code);
  connected_ = Result<>();
  changed_.notify_all();
  return {};
}

Result<> MqttConnection::Session::on_suback(const mqtt::Packet& packet) {
  if (packet.rest.size() < 3) return fail(Errc::corrupt, "a packet is cut short");
  const auto is_refused = [](char code) { return static_cast<unsigned char>(code) >= kRefused; };
  subscribed_ = std::ranges::any_of(packet.rest.substr(2), is_refused)
                    ? Result<>(fail(Errc::permission_denied, "the broker refuses a topic"))
                    : Result<>();
  changed_.notify_all();
  return {};
}

Result<> MqttConnection::Session::on_publish(const mqtt::Packet& packet) {
  const auto publish = mqtt::read_publish(packet);
  if (!publish) return publish.error();
  MqttMessage message{.number = ++received_,
                      .topic = std::string(publish->topic),
                      .qos = publish->qos,
                      .retain = publish->retain,
                      .duplicate = publish->duplicate};
  if (publish->qos > 0) unacknowledged_.push_back({message.number, publish->id, publish->qos});
  const auto begin = bodies_.size();
  const auto size = packet.size - publish->body_at;
  if (size > options_.max_message) {
    message.oversized = size;
  } else {
    bodies_ += packet.rest.substr(publish->body_at);
  }
  arrived_.push_back({std::move(message), begin, bodies_.size() - begin});
  return {};
}

Task<Result<MqttBatch>> MqttConnection::Session::receive() {
  while (arrived_.empty() && !failure_) {
    if (auto waited = co_await changed_.wait(); !waited) co_return waited.error();
  }
  // What arrived before the loss is handed over all the same: with QoS 0 it does not come again.
  if (failure_ && arrived_.empty()) co_return *failure_;
  bodies_.append(kTextPadding, '\0');
  const auto text = std::make_shared<const std::string>(std::exchange(bodies_, {}));
  MqttBatch batch{.messages = {}, .memory = text};
  batch.messages.reserve(arrived_.size());
  for (auto& [message, begin, size] : arrived_) {
    message.body = std::string_view(*text).substr(begin, size);
    batch.messages.push_back(std::move(message));
  }
  arrived_.clear();
  if (std::exchange(paused_, false) && !failure_) {
    heard_ = true;
    stream_->resume();
  }
  co_return batch;
}

void MqttConnection::Session::acknowledge_up_to(std::uint64_t number) {
  while (!failure_ && !unacknowledged_.empty() && unacknowledged_.front().number <= number) {
    const auto& message = unacknowledged_.front();
    mqtt::put_answer(stream_->output(), message.qos == 1 ? Kind::puback : Kind::pubrec, message.id);
    unacknowledged_.pop_front();
  }
}

// --- publishing -------------------------------------------------------------------------------

std::uint16_t MqttConnection::Session::next_id() {
  do {
    ++last_id_;
  } while (last_id_ == 0 || unconfirmed_.contains(last_id_));
  return last_id_;
}

Task<Result<>> MqttConnection::Session::publish(MqttOutgoing message) {
  Outgoing outgoing;
  const auto timer = loop_.call_later(message.timeout, [this, &outgoing] {
    if (!outgoing.outcome)
      outgoing.outcome = fail(Errc::timeout, "the broker did not acknowledge the message in time");
    outgoing.changed.notify_all();
    room_.notify_all();
  });
  auto confirmed = co_await confirm(message, outgoing);
  loop_.cancel(timer);
  co_return confirmed;
}

Task<Result<>> MqttConnection::Session::confirm(const MqttOutgoing& message, Outgoing& outgoing) {
  const auto size = message.body.size();
  const auto is_full = [&] {
    return unconfirmed_.size() >= kMostUnconfirmed ||
           (!unconfirmed_.empty() && unconfirmed_bytes_ + size > kMostUnconfirmedBytes);
  };
  while (!failure_ && !outgoing.outcome && is_full()) {
    if (auto waited = co_await room_.wait(); !waited) co_return waited;
  }
  if (failure_) co_return *failure_;
  if (outgoing.outcome) co_return *outgoing.outcome;
  const auto id = next_id();
  if (auto put = mqtt::put_publish(stream_->output(), id, message); !put) co_return put;
  unconfirmed_.emplace(id, &outgoing);
  unconfirmed_bytes_ += size;
  Result<> waited;
  while (waited && !outgoing.outcome && !failure_) waited = co_await outgoing.changed.wait();
  unconfirmed_.erase(id);
  unconfirmed_bytes_ -= size;
  room_.notify_all();
  if (outgoing.outcome) co_return *outgoing.outcome;
  co_return waited ? Result<>(*failure_) : waited;
}

// --- the end ----------------------------------------------------------------------------------

void MqttConnection::Session::beat() {
  silent_beats_ = std::exchange(heard_, false) || paused_ ? 0 : silent_beats_ + 1;
  if (silent_beats_ >= kSilentBeats) {
    timer_.reset();
    return fail_with(fail(Errc::unavailable, "{}:{} has been silent for {:g} seconds",
                          options_.host, options_.port,
                          1.5 * std::chrono::duration<double>(options_.keepalive).count()));
  }
  mqtt::put_empty(stream_->output(), Kind::pingreq);
  timer_ = loop_.call_later(options_.keepalive / kBeatsPerKeepalive, [this] { beat(); });
}

void MqttConnection::Session::fail_with(Error why) {
  if (failure_) return;
  failure_ = std::move(why);
  stream_->close();
  changed_.notify_all();
  room_.notify_all();
  for (auto& [id, outgoing] : unconfirmed_) outgoing->changed.notify_all();
}

}  // namespace millrace::messaging
