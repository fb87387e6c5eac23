// SPDX-License-Identifier: Apache-2.0
// Connection, token, link; then messages. What happens to a message after that is in
// settlement.cpp.
#include "receiver.hpp"

#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>
#include <proton/session.h>
#include <proton/terminus.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "event_of.hpp"
#include "millrace/base/text.hpp"
#include "sas_token.hpp"

namespace millrace::azure_service_bus {
namespace {

using namespace std::chrono_literals;

constexpr Duration kBeat = 250ms;         // how often what is due is looked for
constexpr Duration kAttachLimit = 30s;    // from the connection to the first credit
constexpr Duration kSettleTime = 500ms;   // at the end, for actions that are about to end
constexpr Duration kGoodbyeTime = 300ms;  // and to tell the peer

AmqpConnection::Options connection_options(const ReceiverOptions& options) {
  const auto& peer = options.peer;
  AmqpConnection::Options made{.peer = {.host = peer.host,
                                        .port = peer.port,
                                        .tls = peer.tls,
                                        .authorities = options.authorities},
                               .idle_timeout = options.idle_timeout};
  if (options.authorization == ReceiverOptions::Authorization::plain) {
    made.user = peer.key_name;
    made.password = peer.key;
  }
  return made;
}

// Whether the peer, which has settled it, did as it was told.
bool is_done(pn_delivery_t* delivery) {
  const auto told = pn_delivery_local_state(delivery);
  return told == PN_REJECTED ||
         (told == PN_ACCEPTED && pn_delivery_remote_state(delivery) != PN_REJECTED);
}

}  // namespace

Receiver::Receiver(SourceContext& context, const ReceiverOptions& options)
    : context_(context),
      options_(options),
      connection_(context.loop(), connection_options(options),
                  [this](pn_event_t& event) { on_event(event); }),
      tasks_(context.loop().executor(), [this](std::string_view, const std::exception_ptr&) {
        end(fail(Errc::unavailable, "the connection was given up"));
      }) {}

Task<Receiver::End> Receiver::run() {
  tasks_.spawn("connection", carry());
  tasks_.spawn("watch", watch());
  Result<> going;
  while (going && !outcome_) {
    going = arrived_.empty() ? co_await changed_.wait() : co_await emit_next();
  }
  if (!going && attached_ && !outcome_) co_await say_goodbye();
  tasks_.request_stop();
  co_await tasks_.join();
  if (!going) co_return End{.why = going.error(), .is_final = true};
  co_return End{.why = *outcome_};
}

Task<> Receiver::carry() {
  auto ended = co_await connection_.run();
  end(ended ? fail(Errc::unavailable, "the peer has closed the connection") : ended.error());
}

void Receiver::end(Error why) {
  if (!outcome_) outcome_.emplace(std::move(why));
  changed_.notify_all();
}

// The engine may end an action in this very moment: a message that asked for the shutdown, say,
// would come again if it were not settled now.
Task<> Receiver::say_goodbye() {
  closing_ = true;
  bool late = false;
  for (const auto& arrived : std::exchange(arrived_, {})) settle(arrived.number, PN_RELEASED);
  auto& loop = context_.loop();
  auto timer = loop.call_later(kSettleTime, [&late, this] {
    late = true;
    changed_.notify_all();
  });
  while (!outcome_ && !late && !held_.empty()) co_await changed_.wait_to_the_end();
  loop.cancel(timer);
  if (outcome_) co_return;
  if (link_ != nullptr) pn_link_close(link_);
  pn_connection_close(connection_.handle());
  connection_.flush();
  late = false;
  timer = loop.call_later(kGoodbyeTime, [&late, this] {
    late = true;
    changed_.notify_all();
  });
  while (!outcome_ && !late) co_await changed_.wait_to_the_end();
  loop.cancel(timer);
}

Task<> Receiver::watch() {
  attach_limit_ = context_.clock().now() + kAttachLimit;
  while (true) {
    if (!co_await context_.sleep_for(kBeat)) co_return;
    const auto now = context_.clock().now();
    if (!attached_ && !closing_ && now >= attach_limit_)
      end(fail(Errc::timeout, "nothing can be received within {} s", kAttachLimit / 1s));
    if (now >= token_due_) put_token();
    if (detached_ && !closing_) attach();
    renew_locks();
    connection_.flush();
  }
}

void Receiver::on_event(pn_event_t& event) {
  auto* connection = connection_.handle();
  switch (pn_event_type(&event)) {
    case PN_CONNECTION_REMOTE_OPEN:
      return on_remote_open();
    case PN_CONNECTION_REMOTE_CLOSE:
      pn_connection_close(connection);
      return end(error_of(pn_connection_remote_condition(connection),
                          "the peer has closed the connection"));
    case PN_SESSION_REMOTE_CLOSE:
      return end(error_of(pn_session_remote_condition(pn_event_session(&event)),
                          "the peer has ended the session"));
    case PN_LINK_REMOTE_OPEN:
    case PN_LINK_REMOTE_CLOSE:
    case PN_LINK_REMOTE_DETACH:
    case PN_LINK_FLOW:
      return on_link_event(event, pn_event_link(&event));
    case PN_DELIVERY:
      return on_delivery(pn_event_delivery(&event));
    default:
      return;
  }
}

void Receiver::on_remote_open() {
  if (session_ != nullptr) return;
  session_ = pn_session(connection_.handle());
  pn_session_open(session_);
  if (options_.authorization == ReceiverOptions::Authorization::plain) return attach();
  cbs_ = std::make_unique<RequestLink>(session_, "$cbs");
  put_token();
}

void Receiver::on_link_event(pn_event_t& event, pn_link_t* link) {
  const auto type = pn_event_type(&event);
  for (auto* requests : {cbs_.get(), management_.get()}) {
    if (requests == nullptr || !requests->owns(link)) continue;
    if (type == PN_LINK_FLOW) requests->on_flow();
    if (type == PN_LINK_FLOW || type == PN_LINK_REMOTE_OPEN) return;
    const auto why = error_of(pn_link_remote_condition(link), "the peer has closed the link");
    if (requests == cbs_.get()) return end(Error(why).with_context("$cbs"));
    return on_management_lost(why);
  }
  if (link != link_) return;
  if (type == PN_LINK_REMOTE_OPEN) {
    // A refusal is an opening without a source, and a closing that says why.
    if (pn_terminus_get_type(pn_link_remote_source(link)) != PN_UNSPECIFIED) on_attached();
  } else if (type != PN_LINK_FLOW) {
    on_detached(pn_link_remote_condition(link));
  }
}

void Receiver::put_token() {
  const auto& peer = options_.peer;
  const auto audience = fmt::format("sb://{}/{}", peer.host, options_.address);
  token_due_ = Instant::max();
  auto token = peer.signature;
  if (token.empty()) {
    const auto expiry =
        context_.clock().wall() +
        std::chrono::duration_cast<std::chrono::microseconds>(options_.token_lifetime);
    token = sign_token(audience, peer.key_name, peer.key, expiry);
    token_due_ = context_.clock().now() + options_.token_lifetime * 3 / 4;
  }
  auto request = make_request("put-token");
  auto* properties = pn_message_properties(request.get());
  put_text(properties, "type");
  put_text(properties, "servicebus.windows.net:sastoken");
  put_text(properties, "name");
  put_text(properties, audience);
  put_text(pn_message_body(request.get()), token);
  cbs_->send(std::move(request), [this](const AmqpMessage& answer) { on_token_answer(answer); });
}

void Receiver::on_token_answer(const AmqpMessage& answer) {
  const auto status = find_integer(answer.properties, "status-code").value_or(0);
  if (status == 200 || status == 202) {
    if (link_ == nullptr && !detached_) attach();
    return;
  }
  const auto* text = answer.properties.if_contains("status-description");
  auto code = Errc::unavailable;
  if (status == 401 || status == 403) code = Errc::permission_denied;
  if (status == 404) code = Errc::not_found;
  end(fail(code, "the token is refused: {} {}", status,
           text != nullptr && text->is_string() ? printable(view(text->get_string())) : ""));
}

void Receiver::attach() {
  detached_ = false;
  attach_limit_ = context_.clock().now() + kAttachLimit;
  const auto name = fmt::format("{}-{}", options_.address, ++attaches_);
  link_ = pn_receiver(session_, name.c_str());
  pn_terminus_set_address(pn_link_source(link_), options_.address.c_str());
  pn_terminus_set_address(pn_link_target(link_), name.c_str());
  pn_link_set_snd_settle_mode(link_, PN_SND_UNSETTLED);
  // Second: the peer confirms what it is told. Not all other brokers can.
  const bool is_service = options_.authorization == ReceiverOptions::Authorization::cbs;
  pn_link_set_rcv_settle_mode(link_, is_service ? PN_RCV_SECOND : PN_RCV_FIRST);
  pn_link_set_max_message_size(link_, context_.limits().bytes);
  pn_link_open(link_);
}

void Receiver::on_attached() {
  attached_ = true;
  part_.clear();
  too_large_ = false;
  if (!std::exchange(was_up_, true)) {
    context_.status().connected();
    context_.log().info(context_.log_name(), "receives from {} of {}:{}", options_.address,
                        options_.peer.host, options_.peer.port);
  }
  top_up();
}

// Of a link that was idle the service lets go, as a matter of course.
void Receiver::on_detached(pn_condition_t* condition) {
  const auto why = error_of(condition, "the peer has closed the link");
  const bool was_attached = std::exchange(attached_, false);
  const bool is_forced =
      pn_condition_is_set(condition) &&
      std::string_view(pn_condition_get_name(condition)) == "amqp:link:detach-forced";
  // Not freed before the connection is: the library would settle what came by it.
  pn_link_close(std::exchange(link_, nullptr));
  for (auto& [number, held] : held_) held.delivery = nullptr;
  if (!was_attached || !is_forced) return end(Error(why).with_context(options_.address));
  context_.log().debug(context_.log_name(), "the idle link is attached again");
  std::erase_if(held_,
                [](const auto& entry) { return entry.second.told || entry.second.lock.empty(); });
  std::erase_if(arrived_, [this](const auto& arrived) { return !held_.contains(arrived.number); });
  detached_ = true;
  attach_limit_ = context_.clock().now() + kAttachLimit;
}

void Receiver::top_up() {
  if (!attached_ || closing_) return;
  const auto here = held_.size() + static_cast<std::size_t>(std::max(0, pn_link_credit(link_)));
  if (here < options_.prefetch) pn_link_flow(link_, static_cast<int>(options_.prefetch - here));
}

void Receiver::on_delivery(pn_delivery_t* delivery) {
  auto* link = pn_delivery_link(delivery);
  for (auto* requests : {cbs_.get(), management_.get()}) {
    if (requests != nullptr && requests->owns(link)) return requests->on_delivery(delivery);
  }
  if (link != link_) return;
  const auto number = reinterpret_cast<std::uintptr_t>(pn_delivery_get_context(delivery));
  if (number != 0) {
    if (pn_delivery_settled(delivery)) confirmed(number, is_done(delivery));
    return;
  }
  if (pn_delivery_aborted(delivery)) {
    part_.clear();
    too_large_ = false;
    pn_delivery_settle(delivery);
    top_up();
    return;
  }
  if (!pn_delivery_readable(delivery)) return;
  take_part(delivery);
  if (!pn_delivery_partial(delivery)) take_message(delivery);
}

// As it comes, so that the peer's window does not close before the last part.
void Receiver::take_part(pn_delivery_t* delivery) {
  const auto size = pn_delivery_pending(delivery);
  const auto before = part_.size();
  part_.resize(before + size);
  const auto got = pn_link_recv(link_, part_.data() + before, size);
  part_.resize(before + (got < 0 ? 0 : static_cast<std::size_t>(got)));
  if (part_.size() <= context_.limits().bytes) return;
  too_large_ = true;
  part_.clear();
}

void Receiver::take_message(pn_delivery_t* delivery) {
  pn_link_advance(link_);
  auto message =
      std::exchange(too_large_, false)
          ? Result<AmqpMessage>(fail(Errc::invalid_event, "a message of more than {}",
                                     human_bytes(static_cast<double>(context_.limits().bytes))))
          : decode_message(part_);
  part_.clear();
  if (!message) return refuse(delivery, message.error());
  const auto number = ++last_number_;
  pn_delivery_set_context(delivery, reinterpret_cast<void*>(number));
  Held held{.delivery = delivery};
  const auto tag = pn_delivery_tag(delivery);
  const auto locked_until = find_time(message->annotations, "x-opt-locked-until");
  if (locked_until && tag.size == 16) held.lock.assign(tag.start, tag.size);
  set_renewal(held, locked_until);
  held_.emplace(number, std::move(held));
  arrived_.push_back({number, std::move(*message)});
  changed_.notify_all();
}

// It would come again and again: the peer may put it where people look.
void Receiver::refuse(pn_delivery_t* delivery, const Error& why) {
  context_.refuse(0, why);
  pn_delivery_update(delivery, PN_REJECTED);
  pn_delivery_settle(delivery);
  top_up();
}

}  // namespace millrace::azure_service_bus
