// SPDX-License-Identifier: Apache-2.0
#include "amqp/session.hpp"

#include <algorithm>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/event.hpp"

namespace millrace::messaging {

using amqp::bytes_of;
using amqp::view;

namespace {

constexpr std::uint16_t kChannel = 1;
constexpr std::size_t kMostWaiting = std::size_t{64} << 20;  // bytes that nobody has received yet
constexpr std::size_t kMostUnconfirmed = 1000;
constexpr std::size_t kMostUnconfirmedBytes = std::size_t{64} << 20;
constexpr int kBeatsPerHeartbeat = 2;
constexpr int kSilentBeats = 2 * kBeatsPerHeartbeat;
constexpr std::uint8_t kPersistent = 2;
constexpr std::string_view kProtocolHeader("AMQP\0\0\x9\x1", 8);

// What a server's reply code asks of the reader.
Errc code_of(std::uint16_t reply, std::string_view text) {
  if (text.contains("limit")) return Errc::unavailable;  // of connections, for now
  switch (reply) {
    case AMQP_ACCESS_REFUSED:
      return Errc::permission_denied;
    case AMQP_NOT_FOUND:
      return Errc::not_found;
    case AMQP_NOT_ALLOWED:
    case AMQP_PRECONDITION_FAILED:
    case AMQP_COMMAND_INVALID:
    case AMQP_INVALID_PATH:
      return Errc::invalid_settings;
    default:
      return Errc::unavailable;
  }
}

}  // namespace

/// A message that waits for its confirmation; lives in publish().
struct AmqpConnection::Session::Outgoing {
  std::string id;
  std::optional<Result<>> outcome;
  std::optional<Error> returned;
  Waiters changed;
};

Result<std::unique_ptr<AmqpConnection::Session>> AmqpConnection::Session::create(
    MainLoop& loop, AmqpOptions options) {
  std::unique_ptr<Session> session(new Session(loop, std::move(options)));
  auto stream = Stream::create(loop, {.host = session->options_.host,
                                      .port = session->options_.port,
                                      .tls = session->options_.tls});
  if (!stream) return stream.error();
  session->stream_ = std::move(*stream);
  return session;
}

AmqpConnection::Session::Session(MainLoop& loop, AmqpOptions options)
    : loop_(loop), options_(std::move(options)) {}

AmqpConnection::Session::~Session() {
  if (stream_ && !is_greeting_ && !failure_) {
    amqp_connection_close_t close{.reply_code = AMQP_REPLY_SUCCESS};
    static_cast<void>(send(0, AMQP_CONNECTION_CLOSE_METHOD, &close));
    stream_->finish();
  } else if (stream_) {
    stream_->close();
  }
  if (timer_) loop_.cancel(*timer_);
}

// --- from the first byte to an open channel ---------------------------------------------------

Task<Result<>> AmqpConnection::Session::open() {
  timer_ = loop_.call_later(options_.connect_timeout, [this] {
    timer_.reset();
    fail_with(fail(Errc::timeout, "{}:{} did not answer within {:g} seconds", options_.host,
                   options_.port, std::chrono::duration<double>(options_.connect_timeout).count()));
  });
  stream_->open(*this);
  auto opened = co_await shake_hands();
  if (!opened) co_return opened;
  loop_.cancel(*timer_);
  timer_.reset();
  is_greeting_ = false;
  if (heartbeat_ > Duration::zero())
    timer_ = loop_.call_later(heartbeat_ / kBeatsPerHeartbeat, [this] { beat(); });
  co_return Result<>();
}

Task<Result<>> AmqpConnection::Session::shake_hands() {
  while (!is_open_ && !failure_) {
    if (auto waited = co_await changed_.wait(); !waited) co_return waited;
  }
  if (failure_) co_return *failure_;
  stream_->output() += kProtocolHeader;
  if (auto begun = co_await expect(AMQP_CONNECTION_START_METHOD); !begun) co_return begun;
  if (auto sent = send_start_ok(); !sent) co_return sent;
  // The answer to on_tune() has gone by then.
  if (auto tuned = co_await expect(AMQP_CONNECTION_TUNE_METHOD); !tuned) co_return tuned;
  amqp_connection_open_t open{.virtual_host = bytes_of(options_.virtual_host)};
  if (auto sent = send(0, AMQP_CONNECTION_OPEN_METHOD, &open); !sent) co_return sent;
  if (auto opened = co_await expect(AMQP_CONNECTION_OPEN_OK_METHOD); !opened) co_return opened;
  amqp_channel_open_t channel{};
  auto opened = co_await call(AMQP_CHANNEL_OPEN_METHOD, &channel, AMQP_CHANNEL_OPEN_OK_METHOD);
  co_return opened ? Result<>() : opened.error();
}

Result<> AmqpConnection::Session::send_start_ok() {
  // The certificate says who it is where there is no name.
  const bool external = options_.username.empty();
  const std::string plain = '\0' + options_.username + '\0' + options_.password;
  Object capabilities{{"authentication_failure_close", true},
                      {"basic.nack", true},
                      {"consumer_cancel_notify", true},
                      {"publisher_confirms", true}};
  Object properties{{"product", "Millrace"}, {"capabilities", std::move(capabilities)}};
  if (!options_.name.empty()) properties["connection_name"] = options_.name;
  const amqp::Table table(properties);
  amqp_connection_start_ok_t start{
      .client_properties = table.get(),
      .mechanism = bytes_of(external ? "EXTERNAL" : "PLAIN"),
      .response = external ? amqp_empty_bytes : bytes_of(plain),
      .locale = bytes_of("en_US"),
  };
  return send(0, AMQP_CONNECTION_START_OK_METHOD, &start);
}

void AmqpConnection::Session::on_tune(const amqp_connection_tune_t& tune) {
  const auto wanted = static_cast<std::uint16_t>(std::clamp<std::int64_t>(
      std::chrono::ceil<std::chrono::seconds>(options_.heartbeat).count(), 0, 0xFFFF));
  // Zero is "never": the other side's wish holds then, unless this side wants none.
  const auto agreed =
      wanted == 0 || tune.heartbeat == 0 ? wanted : std::min(wanted, tune.heartbeat);
  heartbeat_ = std::chrono::seconds(agreed);
  amqp_connection_tune_ok_t ok{
      .channel_max = kChannel,
      .frame_max =
          tune.frame_max == 0 ? amqp::kFrameMax : std::min(tune.frame_max, amqp::kFrameMax),
      .heartbeat = agreed,
  };
  if (auto sent = send(0, AMQP_CONNECTION_TUNE_OK_METHOD, &ok); !sent) fail_with(sent.error());
}

void AmqpConnection::Session::on_open() {
  is_open_ = true;
  changed_.notify_all();
}

// --- calls and answers ------------------------------------------------------------------------

Result<> AmqpConnection::Session::send(std::uint16_t channel, amqp_method_number_t id,
                                       void* method) {
  if (failure_) return *failure_;
  return amqp::put_method(stream_->output(), channel, id, method);
}

Task<Result<>> AmqpConnection::Session::expect(amqp_method_number_t answer) {
  while (!answer_ && !failure_) {
    if (auto waited = co_await changed_.wait(); !waited) co_return waited;
  }
  if (failure_) co_return *failure_;
  if (answer_->id != answer) {
    fail_with(fail(Errc::corrupt, "the server answered {:#x}, not {:#x}", answer_->id, answer));
    co_return *failure_;
  }
  answer_.reset();
  co_return Result<>();
}

Task<Result<AmqpConnection::Session::Answer>> AmqpConnection::Session::call(
    amqp_method_number_t id, void* method, amqp_method_number_t answer) {
  answer_.reset();
  if (auto sent = send(kChannel, id, method); !sent) co_return sent.error();
  while (!answer_ && !failure_) {
    if (auto waited = co_await changed_.wait(); !waited) co_return waited.error();
  }
  auto given = answer_.value_or(Answer{});
  if (auto came = co_await expect(answer); !came) co_return came.error();
  co_return given;
}

void AmqpConnection::Session::answer(Answer answer) {
  answer_ = std::move(answer);
  changed_.notify_all();
}

// --- what arrives -----------------------------------------------------------------------------

std::size_t AmqpConnection::Session::on_bytes(std::string_view bytes) {
  heard_ = true;
  const auto arrived = bytes.size();
  while (!failure_) {
    const auto frame = amqp::take_frame(bytes);
    if (!frame) {
      fail_with(frame.error());
    } else if (!*frame) {
      break;
    } else if (auto taken = on_frame(**frame); !taken) {
      fail_with(taken.error());
    }
  }
  if (bodies_.size() > kMostWaiting && !paused_) {
    paused_ = true;
    stream_->pause();
  }
  if (!arrived_.empty()) changed_.notify_all();
  return arrived - bytes.size();
}

void AmqpConnection::Session::on_end(Error why) { fail_with(std::move(why)); }

Result<> AmqpConnection::Session::on_frame(const amqp::Frame& frame) {
  switch (frame.type) {
    case AMQP_FRAME_METHOD:
      return on_method(frame);
    case AMQP_FRAME_HEADER:
      return on_header(frame.payload);
    case AMQP_FRAME_BODY:
      return on_body(frame.payload);
    case AMQP_FRAME_HEARTBEAT:
      return {};
    default:
      return fail(Errc::corrupt, "the peer sent what is no AMQP");
  }
}

Result<> AmqpConnection::Session::on_method(const amqp::Frame& frame) {
  pool_.clear();
  const auto method = amqp::read_method(frame.payload, pool_);
  if (!method) return method.error();
  const auto as = [&]<class Method>(Method*) -> const Method& {
    return *static_cast<const Method*>(method->decoded);
  };
  switch (method->id) {
    case AMQP_BASIC_DELIVER_METHOD:
      on_delivery(as(static_cast<amqp_basic_deliver_t*>(nullptr)));
      break;
    case AMQP_BASIC_RETURN_METHOD:
      on_return(as(static_cast<amqp_basic_return_t*>(nullptr)));
      break;
    case AMQP_BASIC_ACK_METHOD: {
      const auto& ack = as(static_cast<amqp_basic_ack_t*>(nullptr));
      on_confirm(ack.delivery_tag, ack.multiple != 0, {});
      break;
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto& nack = as(static_cast<amqp_basic_nack_t*>(nullptr));
      on_confirm(nack.delivery_tag, nack.multiple != 0,
                 fail(Errc::unavailable, "the server could not keep the message"));
      break;
    }
    case AMQP_BASIC_CANCEL_METHOD:
      return fail(Errc::unavailable, "the server ended the consumer: its queue is gone");
    case AMQP_CONNECTION_CLOSE_METHOD: {
      const auto& close = as(static_cast<amqp_connection_close_t*>(nullptr));
      on_close(close.reply_code, view(close.reply_text));
      break;
    }
    case AMQP_CHANNEL_CLOSE_METHOD: {
      const auto& close = as(static_cast<amqp_channel_close_t*>(nullptr));
      on_close(close.reply_code, view(close.reply_text));
      break;
    }
    case AMQP_CONNECTION_TUNE_METHOD:
      on_tune(as(static_cast<amqp_connection_tune_t*>(nullptr)));
      answer({.id = method->id});
      break;
    case AMQP_QUEUE_DECLARE_OK_METHOD: {
      const auto& queue = as(static_cast<amqp_queue_declare_ok_t*>(nullptr));
      answer({.id = method->id,
              .text = std::string(view(queue.queue)),
              .number = queue.message_count});
      break;
    }
    default:
      answer({.id = method->id});
  }
  return {};
}

void AmqpConnection::Session::on_delivery(const amqp_basic_deliver_t& deliver) {
  incoming_.emplace();
  auto& message = incoming_->message;
  message.tag = deliver.delivery_tag;
  message.redelivered = deliver.redelivered != 0;
  message.exchange = view(deliver.exchange);
  message.routing_key = view(deliver.routing_key);
}

void AmqpConnection::Session::on_return(const amqp_basic_return_t& returned) {
  incoming_.emplace();
  incoming_->returned = printable(view(returned.reply_text));
}

Result<> AmqpConnection::Session::on_header(std::string_view payload) {
  if (!incoming_ || incoming_->has_header)
    return fail(Errc::corrupt, "the peer sent a header of no message");
  pool_.clear();
  auto header = amqp::read_header(payload, pool_);
  if (!header) return header.error();
  auto& message = incoming_->message;
  message.properties = std::move(header->properties);
  if (header->body_size > options_.max_message)
    message.oversized = static_cast<std::size_t>(header->body_size);
  incoming_->begin = bodies_.size();
  incoming_->missing = header->body_size;
  incoming_->has_header = true;
  if (incoming_->missing == 0) on_content();
  return {};
}

Result<> AmqpConnection::Session::on_body(std::string_view payload) {
  if (!incoming_ || !incoming_->has_header || payload.size() > incoming_->missing)
    return fail(Errc::corrupt, "the peer sent a body of no message");
  if (incoming_->message.oversized == 0 && !incoming_->returned) bodies_ += payload;
  incoming_->missing -= payload.size();
  if (incoming_->missing == 0) on_content();
  return {};
}

void AmqpConnection::Session::on_content() {
  auto content = std::move(*incoming_);
  incoming_.reset();
  if (!content.returned) {
    arrived_.push_back({std::move(content.message), content.begin, bodies_.size() - content.begin});
    return;
  }
  const auto* const id = content.message.properties.if_contains("message_id");
  for (auto& [number, outgoing] : unconfirmed_) {
    if (id != nullptr && *id == Value(outgoing->id))
      outgoing->returned = fail(Errc::invalid_settings, "nobody takes it: {}", *content.returned);
  }
}

void AmqpConnection::Session::on_close(std::uint16_t code, std::string_view text) {
  fail_with(fail(code_of(code, text), "the server says {} {}", code, printable(text)));
}

// --- receiving --------------------------------------------------------------------------------

Task<Result<AmqpBatch>> AmqpConnection::Session::receive() {
  while (arrived_.empty() && !failure_) {
    if (auto waited = co_await changed_.wait(); !waited) co_return waited.error();
  }
  if (failure_) co_return *failure_;  // what was not acknowledged comes again
  bodies_.append(kTextPadding, '\0');
  const auto text = std::make_shared<const std::string>(std::exchange(bodies_, {}));
  AmqpBatch batch{.messages = {}, .memory = text};
  batch.messages.reserve(arrived_.size());
  for (auto& [message, begin, size] : arrived_) {
    message.body = std::string_view(*text).substr(begin, size);
    batch.messages.push_back(std::move(message));
  }
  arrived_.clear();
  if (incoming_ && incoming_->has_header) {  // half of it is there
    bodies_ = text->substr(incoming_->begin, text->size() - kTextPadding - incoming_->begin);
    incoming_->begin = 0;
  }
  if (std::exchange(paused_, false)) {
    heard_ = true;
    stream_->resume();
  }
  co_return batch;
}

void AmqpConnection::Session::settle(amqp_method_number_t id, void* method) {
  static_cast<void>(send(kChannel, id, method));  // a lost connection has no use for it
}

// --- publishing -------------------------------------------------------------------------------

Task<Result<>> AmqpConnection::Session::wait_for_room(std::size_t bytes, const Outgoing& outgoing) {
  const auto is_full = [&] {
    return unconfirmed_.size() >= kMostUnconfirmed ||
           (!unconfirmed_.empty() && unconfirmed_bytes_ + bytes > kMostUnconfirmedBytes);
  };
  while (!failure_ && !outgoing.outcome && is_full()) {
    if (auto waited = co_await room_.wait(); !waited) co_return waited;
  }
  if (failure_) co_return *failure_;
  co_return outgoing.outcome.value_or(Result<>());
}

Task<Result<>> AmqpConnection::Session::publish(AmqpOutgoing message) {
  if (!std::exchange(confirms_, true)) {
    amqp_confirm_select_t select{.nowait = 1};
    if (auto sent = send(kChannel, AMQP_CONFIRM_SELECT_METHOD, &select); !sent) co_return sent;
  }
  Outgoing outgoing{.id = uuids_.next()};
  const auto timer = loop_.call_later(message.timeout, [this, &outgoing] {
    if (!outgoing.outcome)
      outgoing.outcome = fail(Errc::timeout, "the server did not confirm the message in time");
    outgoing.changed.notify_all();
    room_.notify_all();
  });
  auto confirmed = co_await confirm(std::move(message), outgoing);
  loop_.cancel(timer);
  co_return confirmed;
}

Task<Result<>> AmqpConnection::Session::confirm(AmqpOutgoing message, Outgoing& outgoing) {
  const auto size = message.body.size();
  if (auto waited = co_await wait_for_room(size, outgoing); !waited) co_return waited;
  if (auto put = put_message(message, outgoing.id); !put) co_return put;
  message.body = {};
  const auto number = ++published_;
  unconfirmed_.emplace(number, &outgoing);
  unconfirmed_bytes_ += size;
  Result<> waited;
  while (waited && !outgoing.outcome && !failure_) waited = co_await outgoing.changed.wait();
  unconfirmed_.erase(number);
  unconfirmed_bytes_ -= size;
  room_.notify_all();
  if (outgoing.returned) co_return *outgoing.returned;
  if (outgoing.outcome) co_return *outgoing.outcome;
  co_return waited ? Result<>(*failure_) : waited;
}

Result<> AmqpConnection::Session::put_message(const AmqpOutgoing& message, const std::string& id) {
  std::string frames;  // all or nothing
  amqp_basic_publish_t publish{
      .exchange = bytes_of(message.exchange),
      .routing_key = bytes_of(message.routing_key),
      .mandatory = message.mandatory ? 1 : 0,
  };
  if (auto put = amqp::put_method(frames, kChannel, AMQP_BASIC_PUBLISH_METHOD, &publish); !put)
    return put;
  const amqp::Table headers(message.headers);
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.message_id = bytes_of(id);
  properties.delivery_mode = message.persistent ? kPersistent : 1;
  if (!message.headers.empty()) {
    properties._flags |= AMQP_BASIC_HEADERS_FLAG;
    properties.headers = headers.get();
  }
  if (!message.content_type.empty()) {
    properties._flags |= AMQP_BASIC_CONTENT_TYPE_FLAG;
    properties.content_type = bytes_of(message.content_type);
  }
  if (auto put = amqp::put_content(frames, kChannel, properties, message.body); !put) return put;
  if (failure_) return *failure_;
  stream_->output() += frames;
  return {};
}

void AmqpConnection::Session::on_confirm(std::uint64_t number, bool multiple,
                                         const Result<>& outcome) {
  const auto end = unconfirmed_.upper_bound(number);
  auto next = multiple ? unconfirmed_.begin() : unconfirmed_.find(number);
  for (; next != unconfirmed_.end() && next != end; ++next) {
    if (!next->second->outcome) next->second->outcome = outcome;
    next->second->changed.notify_all();
  }
}

// --- the end ----------------------------------------------------------------------------------

void AmqpConnection::Session::beat() {
  silent_beats_ = std::exchange(heard_, false) || paused_ ? 0 : silent_beats_ + 1;
  if (silent_beats_ >= kSilentBeats) {
    timer_.reset();
    fail_with(fail(Errc::unavailable, "{}:{} has been silent for {} seconds", options_.host,
                   options_.port,
                   std::chrono::duration_cast<std::chrono::seconds>(2 * heartbeat_).count()));
    return;
  }
  amqp::put_heartbeat(stream_->output());
  timer_ = loop_.call_later(heartbeat_ / kBeatsPerHeartbeat, [this] { beat(); });
}

void AmqpConnection::Session::fail_with(Error why) {
  if (failure_) return;
  failure_ = std::move(why);
  stream_->close();
  changed_.notify_all();
  room_.notify_all();
  for (auto& [number, outgoing] : unconfirmed_) outgoing->changed.notify_all();
}

}  // namespace millrace::messaging
