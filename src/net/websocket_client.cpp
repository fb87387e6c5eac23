// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/websocket_client.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "millrace/event/json.hpp"

namespace millrace::net {
namespace {

constexpr double kLongestFirst = 5.0;  // seconds, all of these
constexpr double kBase = 1.92;
constexpr double kFactor = 1.618;
constexpr double kLongest = 60.0;

Duration seconds(double count) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count));
}

}  // namespace

Duration ReconnectPauses::next() {
  const int tries = tries_++;
  if (tries == 0) return seconds(std::uniform_real_distribution<>(0.0, kLongestFirst)(random_));
  return seconds(std::min(kBase * std::pow(kFactor, tries), kLongest));
}

WebsocketClient::WebsocketClient(MainLoop& loop, Log& log, Options options, ReconnectPauses pauses)
    : loop_(loop), log_(log), options_(std::move(options)), pauses_(pauses) {}

WebsocketClient::~WebsocketClient() = default;

Task<Result<>> WebsocketClient::run(Conversation converse) {
  for (;;) {
    auto ended = co_await converse_once(converse);
    connected_ = false;
    if (ended || ended.error().code() != Errc::unavailable) co_return ended;
    tell_of_loss(ended.error());
    if (auto slept = co_await loop_.sleep_for(pauses_.next()); !slept) co_return slept;
  }
}

Task<Result<>> WebsocketClient::converse_once(const Conversation& converse) {
  auto socket = co_await connect();
  if (!socket && socket.error().code() == Errc::permission_denied &&
      !options_.refresh_token.empty() && !options_.token_url.empty()) {
    if (auto renewed = co_await renew_token(); !renewed) co_return renewed;
    socket = co_await connect();
  }
  if (!socket) co_return socket.error();
  connected_ = true;
  pauses_.reset();
  log_.info(options_.log_name, "{}", told_of_loss_ ? "connected again" : "connected");
  told_of_loss_ = false;
  auto ended = co_await converse(**socket);
  if (ended) co_await (*socket)->close();
  co_return ended;
}

Task<Result<std::unique_ptr<Websocket>>> WebsocketClient::connect() {
  log_.debug(options_.log_name, "connecting");
  return Websocket::connect(loop_, options_.connection);
}

Task<Result<>> WebsocketClient::renew_token() {
  log_.info(options_.log_name, "the access token was refused: it is renewed");
  if (!http_) {
    auto made = HttpClient::create(loop_);
    if (!made) co_return made.error();
    http_ = std::move(*made);
  }
  const auto answer =
      co_await http_->send({.method = "POST",
                            .url = options_.token_url,
                            .headers = {{"Content-Type", "application/json"}},
                            .body = to_json(Object{{"refresh", options_.refresh_token}}),
                            .tls = options_.connection.tls});
  if (!answer) co_return Error(answer.error()).with_context("cannot renew the access token");
  if (answer->status >= 500 || answer->status == 429) {
    co_return fail(Errc::unavailable, "cannot renew the access token: HTTP {}", answer->status);
  }
  if (answer->status < 200 || answer->status > 299) {
    co_return fail(Errc::permission_denied, "cannot renew the access token: HTTP {}",
                   answer->status);
  }
  const auto parsed = parse_json(answer->body);
  const auto* object = parsed ? parsed->if_object() : nullptr;
  const auto* access = object != nullptr ? object->if_contains("access") : nullptr;
  if (access == nullptr || !access->is_string()) {
    co_return fail(Errc::permission_denied,
                   "cannot renew the access token: the answer holds no `access`");
  }
  options_.connection.bearer = view(access->get_string());
  co_return Result<>();
}

// Once for each time that the server is away.
void WebsocketClient::tell_of_loss(const Error& error) {
  if (std::exchange(told_of_loss_, true)) {
    log_.debug(options_.log_name, "{}", error.message());
    return;
  }
  log_.warning(options_.log_name, "{}; trying again until it is there", error.message());
}

}  // namespace millrace::net
