// SPDX-License-Identifier: Apache-2.0
#include "amqp_connection.hpp"

#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/sasl.h>
#include <proton/transport.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "millrace/base/uuid.hpp"

namespace millrace::azure_service_bus {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kMaxFrame = 64 * 1024;
constexpr Duration kBeat = 500ms;  // how often time is looked at

std::int64_t milliseconds(Instant now) {
  // From 1: the library takes 0 for no time at all.
  return 1 + std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
}

}  // namespace

Error error_of(pn_condition_t* condition, std::string_view otherwise) {
  if (condition == nullptr || !pn_condition_is_set(condition))
    return Error(Errc::unavailable, std::string(otherwise));
  const std::string_view name = pn_condition_get_name(condition);
  const auto* description = pn_condition_get_description(condition);
  auto code = Errc::unavailable;
  if (name == "amqp:unauthorized-access") code = Errc::permission_denied;
  if (name == "amqp:not-found") code = Errc::not_found;
  return description == nullptr ? Error(code, std::string(name))
                                : fail(code, "{}: {}", name, description);
}

AmqpConnection::AmqpConnection(MainLoop& loop, Options options, OnEvent on_event)
    : loop_(loop),
      options_(std::move(options)),
      on_event_(std::move(on_event)),
      stream_(loop, options_.peer),
      tasks_(loop.executor(), [this](std::string_view, const std::exception_ptr&) {
        end(fail(Errc::unavailable, "the connection was given up"));
      }) {
  pn_connection_driver_init(&driver_, nullptr, nullptr);
  prepare();
}

AmqpConnection::~AmqpConnection() { pn_connection_driver_destroy(&driver_); }

void AmqpConnection::prepare() {
  UuidGenerator uuids;
  pn_connection_set_container(driver_.connection, ("millrace-" + uuids.next()).c_str());
  pn_connection_set_hostname(driver_.connection, options_.peer.host.c_str());
  auto* sasl = pn_sasl(driver_.transport);
  if (options_.user.empty()) {
    pn_sasl_allowed_mechs(sasl, "ANONYMOUS");
  } else {
    pn_connection_set_user(driver_.connection, options_.user.c_str());
    pn_connection_set_password(driver_.connection, options_.password.c_str());
    pn_sasl_allowed_mechs(sasl, "PLAIN");
    pn_sasl_set_allow_insecure_mechs(sasl, true);  // the library does not see that there is TLS
  }
  pn_transport_set_max_frame(driver_.transport, kMaxFrame);
  pn_transport_set_idle_timeout(
      driver_.transport,
      static_cast<pn_millis_t>(
          std::chrono::duration_cast<std::chrono::milliseconds>(options_.idle_timeout).count()));
}

Task<Result<>> AmqpConnection::run() {
  if (auto connected = co_await stream_.connect(); !connected) co_return connected.error();
  pn_connection_open(driver_.connection);
  handle_events();
  tasks_.spawn("read", read());
  tasks_.spawn("write", write());
  tasks_.spawn("keep alive", keep_alive());
  Result<> waited;
  while (waited && !outcome_) waited = co_await changed_.wait();
  tasks_.request_stop();
  stream_.close();
  co_await tasks_.join();
  co_return outcome_ ? *outcome_ : waited;
}

void AmqpConnection::end(Result<> outcome) {
  if (!outcome_) outcome_ = std::move(outcome);
  changed_.notify_all();
}

void AmqpConnection::handle_events() {
  while (auto* event = pn_connection_driver_next_event(&driver_)) {
    if (pn_event_type(event) == PN_TRANSPORT_ERROR)
      end(error_of(pn_transport_condition(driver_.transport), "the connection has failed"));
    on_event_(*event);
  }
  if (pn_connection_driver_finished(&driver_)) end({});
  flush();
}

Task<> AmqpConnection::read() {
  while (!outcome_) {
    const auto buffer = pn_connection_driver_read_buffer(&driver_);
    if (buffer.size == 0) co_return;  // the peer has closed the connection
    const auto size = co_await stream_.read_some({buffer.start, buffer.size});
    if (!size) co_return end(size.error());
    pn_connection_driver_read_done(&driver_, *size);
    handle_events();
  }
}

Task<> AmqpConnection::write() {
  std::string bytes;  // a copy: the library may move its buffer while they are on their way
  while (!outcome_) {
    const auto ready = pn_connection_driver_write_buffer(&driver_);
    if (ready.size == 0) {
      if (pn_connection_driver_write_closed(&driver_)) co_return;
      if (!co_await changed_.wait()) co_return;
      continue;
    }
    bytes.assign(ready.start, ready.size);
    pn_connection_driver_write_done(&driver_, ready.size);
    if (auto written = co_await stream_.write(bytes); !written) co_return end(written.error());
    handle_events();
  }
}

Task<> AmqpConnection::keep_alive() {
  while (!outcome_) {
    pn_transport_tick(driver_.transport, milliseconds(loop_.clock().now()));
    handle_events();
    if (!co_await loop_.sleep_for(std::min(kBeat, options_.idle_timeout / 4))) co_return;
  }
}

}  // namespace millrace::azure_service_bus
