// SPDX-License-Identifier: Apache-2.0
#include "audit/websocket_audit.hpp"

#include <charconv>
#include <exception>
#include <utility>

#include "millrace/event/json.hpp"

namespace millrace::daemon {
namespace {

constexpr std::string_view kComponent = "websocket";

TaskGroup::OnFailure tell(Log& log) {
  return [&log](std::string_view task, const std::exception_ptr& why) {
    try {
      std::rethrow_exception(why);
    } catch (const std::exception& error) {
      log.error(kComponent, "{} ended by an exception: {}", task, error.what());
    } catch (...) {
      log.error(kComponent, "{} ended by an unknown exception", task);
    }
  };
}

}  // namespace

WebsocketAudit::WebsocketAudit(MainLoop& loop, Log& log, Options options)
    : loop_(loop),
      log_(log),
      options_(std::move(options)),
      client_(loop, log, options_.client),
      tasks_(loop.executor(), tell(log)) {}

void WebsocketAudit::send(Object message) {
  if (given_up_) return;
  // Of the messages that are about the rule set as a whole, one does not name the activation.
  const auto* type = message.if_contains("type");
  if (type == nullptr || *type != Value("Shutdown")) {
    message["activation_id"] = options_.id;
    message["activation_instance_id"] = options_.id;
  }
  messages_.push_back(to_json(message));
  bytes_ += messages_.back().size();
  changed_.notify_all();
}

bool WebsocketAudit::full() const {
  return messages_.size() >= options_.most_messages || bytes_ >= options_.most_bytes;
}

void WebsocketAudit::start(std::function<void(const Error&)> failed) {
  failed_ = std::move(failed);
  tasks_.spawn("audit", run());
}

Task<> WebsocketAudit::run() {
  const auto ended =
      co_await client_.run([this](net::Websocket& socket) { return converse(socket); });
  if (!ended && ended.error().code() != Errc::cancelled) give_up(ended.error());
}

void WebsocketAudit::give_up(const Error& error) {
  given_up_ = true;
  messages_.clear();
  bytes_ = 0;
  if (on_room_) on_room_();
  if (failed_) failed_(error);
}

Task<Result<>> WebsocketAudit::converse(net::Websocket& socket) {
  sent_ = 0;
  asked_ = false;
  socket.on_pong([this](std::string_view payload) { on_pong(payload); });
  std::optional<Error> lost;
  TaskGroup listening(loop_.executor(), tell(log_));
  listening.spawn("audit listener", listen(socket, lost));
  auto delivered = co_await deliver(socket, lost);
  if (delivered) {
    co_await socket.close();
  } else {
    socket.drop();
  }
  co_await listening.join();
  // Why the connection was lost, who listens knows best.
  if (!delivered && lost && delivered.error().code() != Errc::cancelled) delivered = *lost;
  co_return delivered;
}

// The server has nothing to say; but only who listens learns that it has gone.
Task<> WebsocketAudit::listen(net::Websocket& socket, std::optional<Error>& lost) {
  auto heard = co_await socket.receive();
  while (heard) heard = co_await socket.receive();
  lost = heard.error();
  socket.drop();
  changed_.notify_all();
}

Task<Result<>> WebsocketAudit::deliver(net::Websocket& socket, const std::optional<Error>& lost) {
  Result<> done;
  while (done && !lost) {
    if (!asked_ && sent_ > 0) {
      asked_ = true;
      done = co_await socket.ping(fmt::format("{}", first_number_ + sent_));
    } else if (sent_ < messages_.size()) {
      done = co_await socket.send(messages_[sent_]);
      if (done) ++sent_;
    } else if (finishing_ && messages_.empty()) {
      co_return done;
    } else {
      done = co_await changed_.wait();
    }
  }
  if (done) co_return *lost;
  co_return done;
}

// The payload is the number of the first message that was sent behind the ping.
void WebsocketAudit::on_pong(std::string_view payload) {
  std::uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(payload.data(), payload.data() + payload.size(), number);
  // One without a number answers what keeps the connection alive.
  if (error != std::errc() || end != payload.data() + payload.size()) return;
  asked_ = false;
  const bool was_full = full();
  while (sent_ > 0 && first_number_ < number) {
    bytes_ -= messages_.front().size();
    messages_.pop_front();
    ++first_number_;
    --sent_;
  }
  changed_.notify_all();
  if (was_full && !full() && on_room_) on_room_();
}

Task<> WebsocketAudit::finish(Duration longest) {
  finishing_ = true;
  changed_.notify_all();
  const auto deadline = loop_.call_later(longest, [this] {
    log_.warning(kComponent, "{} audit messages could not be delivered", messages_.size());
    tasks_.request_stop();
  });
  co_await tasks_.join();
  loop_.cancel(deadline);
}

}  // namespace millrace::daemon
