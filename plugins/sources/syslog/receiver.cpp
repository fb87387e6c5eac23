// SPDX-License-Identifier: Apache-2.0
#include "receiver.hpp"

#include <boost/asio/error.hpp>
#include <exception>
#include <utility>

#include "message.hpp"
#include "millrace/net/listening.hpp"

namespace millrace::syslog {
namespace {

using boost::system::error_code;

constexpr Duration kSeldom = std::chrono::minutes(1);

// What to do about it, where that is known.
std::string hint(const error_code& error, std::uint16_t port) {
  if (error == asio::error::address_in_use)
    return fmt::format(": another program has port {}", port);
  if (error == asio::error::access_denied)
    return ": ports below 1024 are for root and for programs with CAP_NET_BIND_SERVICE";
  return {};
}

}  // namespace

bool Seldom::now() {
  const auto now = clock_.now();
  if (last_ && now < *last_ + kSeldom) return false;
  last_ = now;
  return true;
}

Event event_of(std::string_view message, std::string_view peer) {
  return Event(Value(Object{{"syslog", parse_message(message)}})).with_meta({{"peer", peer}});
}

Receiver::Receiver(SourceContext& context, ReceiverOptions options, std::string_view transport)
    : context_(context),
      options_(std::move(options)),
      transport_(transport),
      tasks_(context.loop().executor(),
             [this](std::string_view task, const std::exception_ptr& why) {
               try {
                 std::rethrow_exception(why);
               } catch (const std::exception& error) {
                 log().error(log_name(), "{} failed: {}", task, error.what());
               }
             }) {}

Task<Result<>> Receiver::listen() {
  const auto addresses = co_await net::resolve_host(context_.loop(), options_.host);
  if (!addresses) co_return addresses.error();
  std::uint16_t port = options_.port;
  for (const auto& address : *addresses) {
    error_code error;
    const auto bound = open(address, port, error);
    if (error) {
      close();
      co_return fail(Errc::io, "cannot listen on {} {}: {}{}", transport_,
                     net::to_text(address, port), error.message(), hint(error, port));
    }
    port = bound;
    log().info(log_name(), "listening on {} {}", transport_, net::to_text(address, port));
  }
  port_ = port;
  co_return Result<>();
}

Task<Result<>> Receiver::serve() {
  start();
  auto waited = co_await failed_.wait();
  close();
  tasks_.request_stop();
  co_await tasks_.join();
  if (failure_) co_return *failure_;
  co_return waited;
}

void Receiver::fail_with(const Error& error) {
  if (!failure_) failure_ = error;
  failed_.notify_all();
}

Task<bool> Receiver::emit(std::vector<Event> events) {
  if (events.empty()) co_return true;
  const auto sent = co_await context_.emit(EventBatch{.events = std::move(events)});
  if (!sent && !tasks_.stopping()) fail_with(sent.error());
  co_return sent.has_value();
}

void Receiver::refuse_too_long(std::string_view peer) {
  context_.refuse(
      0, fail(Errc::invalid_event, "a message of {} is longer than max_message, {} bytes", peer,
              options_.max_message));
}

}  // namespace millrace::syslog
