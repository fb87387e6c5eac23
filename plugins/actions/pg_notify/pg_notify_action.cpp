// SPDX-License-Identifier: Apache-2.0
// Sends events to a channel of a PostgreSQL server.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/base/uuid.hpp"
#include "millrace/event/json.hpp"
#include "millrace/loop/backoff.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/messaging/chunked_message.hpp"
#include "millrace/messaging/postgresql.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::pg_notify {
namespace {

using messaging::PostgresConnection;
using messaging::PostgresParameters;

constexpr std::size_t kMostUnchunked = 7168;
constexpr std::size_t kMostPayload = 7999;  // bytes that a server takes
constexpr std::size_t kMostText = std::size_t{16} << 20;
constexpr Backoff::Limits kPauses{.first = std::chrono::milliseconds(400),
                                  .longest = std::chrono::seconds(10)};

struct Statement {
  std::string text;
  std::vector<std::string> parameters;
};

Value without_meta(Value value) {
  if (value.is_object()) value.get_object().stable_erase("meta");
  return value;
}

Value what_fired(const ActionContext& context, bool remove_meta) {
  auto variables = context.template_variables();
  if (auto* event = variables.if_contains("event"); event != nullptr)
    return remove_meta ? without_meta(std::move(*event)) : std::move(*event);
  auto* events = variables.if_contains("events");
  if (events == nullptr) return Object();
  if (remove_meta && events->is_object()) {
    for (auto& entry : events->get_object()) entry.value() = without_meta(std::move(entry.value()));
  }
  return std::move(*events);
}

class PgNotifyAction final : public Action {
 public:
  Task<Result<>> run(const Settings& settings, ActionContext& context) override {
    auto parameters =
        PostgresParameters::read(settings.value("dsn"), settings.value("postgres_params"));
    if (!parameters) co_return parameters.error();
    if (!settings.has("dsn") && !settings.has("postgres_params"))
      co_return fail(Errc::invalid_settings,
                     "Missing dsn or postgres_params, at least one is required");
    const auto statement = compose(settings, context);
    if (!statement) co_return statement.error();

    // One call after the other: there is one connection.
    while (busy_) {
      if (auto waited = co_await free_.wait(); !waited) co_return waited;
    }
    busy_ = true;
    auto sent = co_await send_with_retries(settings, context, *parameters, *statement);
    busy_ = false;
    free_.notify_one();
    co_return sent;
  }

 private:
  Result<Statement> compose(const Settings& settings, const ActionContext& context) {
    const auto channel = settings.string("channel");
    if (channel.empty() || channel.find('\0') != std::string::npos)
      return fail(Errc::invalid_settings, "channel must be a name");
    const bool remove_meta = settings.boolean("remove_meta");
    Value event = settings.value("event");
    if (event.is_null()) {
      event = what_fired(context, remove_meta);
    } else if (remove_meta) {
      event = without_meta(std::move(event));
    }
    auto text = to_json(event);
    if (text.size() <= kMostUnchunked)
      return Statement{"SELECT FROM pg_notify($1, $2)", {channel, std::move(text)}};
    if (text.size() > kMostText)
      return fail(Errc::invalid_settings, "the event is larger than 16 MB");
    Array chunks;
    for (auto& chunk : messaging::cut_into_chunks(text, uuids_.next(), kMostPayload))
      chunks.emplace_back(chunk);
    // One statement: all of them or none.
    return Statement{
        "SELECT FROM (SELECT pg_notify($1, chunk) FROM json_array_elements_text($2::json) AS chunk "
        "OFFSET 0) AS sent",
        {channel, to_json(Value(std::move(chunks)))}};
  }

  Task<Result<>> send_with_retries(const Settings& settings, ActionContext& context,
                                   const PostgresParameters& parameters,
                                   const Statement& statement) {
    Backoff backoff(kPauses);
    for (auto left = settings.integer("retries");; --left) {
      auto sent = co_await send(context.loop, parameters, statement, settings.seconds("timeout"));
      if (sent) co_return sent;
      const auto code = sent.error().code();
      if (code != Errc::conflict) connection_.reset();
      const bool may_pass = code == Errc::unavailable || code == Errc::timeout;
      if (!may_pass || left <= 0) co_return sent;
      context.log.info("action.pg_notify", "PostgreSQL: {}; trying again", sent.error().message());
      if (auto slept = co_await context.loop.sleep_for(backoff.next()); !slept) co_return slept;
    }
  }

  Task<Result<>> send(MainLoop& loop, const PostgresParameters& parameters,
                      const Statement& statement, Duration timeout) {
    const auto deadline = loop.clock().now() + timeout;
    if (!connection_ || parameters_ != parameters) {
      connection_.reset();
      auto connected = co_await PostgresConnection::connect(loop, parameters, timeout);
      if (!connected) co_return connected.error();
      connection_ = std::move(*connected);
      parameters_ = parameters;
    }
    co_return co_await connection_->execute(statement.text, statement.parameters,
                                            deadline - loop.clock().now());
  }

  UuidGenerator uuids_;
  std::unique_ptr<PostgresConnection> connection_;
  PostgresParameters parameters_;  // of the connection
  bool busy_ = false;
  Waiters free_;
};

SettingsSchema schema() {
  using enum SettingType;
  return {
      .settings = {
          Setting("dsn", string,
                  "Where the server is: \"host=… dbname=…\" or postgresql://…, as libpq reads it")
              .secret()
              .nullable(),
          Setting("postgres_params", object,
                  "The same by libpq's keywords (host, port, dbname…); they win over dsn")
              .secret()
              .nullable(),
          Setting("channel", string, "The channel; case matters").required(),
          Setting("event", any, "What is sent; by default what fired"),
          Setting("remove_meta", boolean, "Leave out the event's meta").by_default(false),
          Setting("timeout", seconds, "How long one try may take")
              .by_default(30)
              .at_least(0.001)
              .at_most(1e6),
          Setting("retries", integer, "Further tries when the server is away")
              .by_default(3)
              .at_least(0)
              .at_most(1000),
      }};
}

}  // namespace
}  // namespace millrace::pg_notify

MILLRACE_PLUGIN(pg_notify_action, plugin) {
  plugin.action<millrace::pg_notify::PgNotifyAction>(
      "pg_notify", "Sends an event to a channel of a PostgreSQL server.",
      millrace::pg_notify::schema());
}
