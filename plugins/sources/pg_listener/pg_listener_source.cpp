// SPDX-License-Identifier: Apache-2.0
// Listens to channels of a PostgreSQL server, and makes events of the notifications.

#include <fmt/ranges.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/messaging/postgresql.hpp"
#include "millrace/plugin/plugin.hpp"
#include "notification_reader.hpp"
#include "retry_budget.hpp"

namespace millrace::pg_listener {
namespace {

using messaging::PostgresConnection;
using messaging::PostgresParameters;

constexpr Duration kLeastRetry = std::chrono::seconds(2);
constexpr Duration kListenTimeout = std::chrono::seconds(15);
constexpr Duration kUnprobed = std::chrono::hours(1);

struct Options {
  std::vector<std::string> channels;
  PostgresParameters parameters;
  RetryBudget::Limits retry;
  Duration probe_interval{};
};

std::vector<std::string> faults_of(const Settings& settings) {
  std::vector<std::string> faults;
  const auto& channels = settings.value("channels");
  const auto& dsn = settings.value("dsn");
  const auto& parameters = settings.value("postgres_params");
  if (channels.is_null()) {
    faults.emplace_back("Missing required arguments: channels");
  } else if (!channels.is_array() || channels.get_array().empty()) {
    faults.emplace_back("Channels must be a list and not empty");
  } else {
    for (const auto& channel : channels.get_array()) {
      if (!channel.is_string() || channel.get_string().empty())
        faults.emplace_back("Each channel must be a string and not empty");
    }
  }
  if (dsn.is_null() && parameters.is_null())
    faults.emplace_back("Missing dsn or postgres_params, at least one is required");
  if (!dsn.is_null() && !dsn.is_string()) faults.emplace_back("DSN must be a string");
  if (!parameters.is_null() && !parameters.is_object())
    faults.emplace_back("Postgres params must be a dictionary");
  return faults;
}

class PgListenerSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> create(const Settings& settings) {
    if (const auto faults = faults_of(settings); !faults.empty())
      return fail(Errc::invalid_settings, "{}", fmt::join(faults, "; "));
    Options options;
    for (const auto& channel : settings.list("channels"))
      options.channels.emplace_back(view(channel.as_string()));
    auto parameters =
        PostgresParameters::read(settings.value("dsn"), settings.value("postgres_params"));
    if (!parameters) return parameters.error();
    options.parameters = std::move(*parameters);
    for (const auto* name :
         {"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"})
      options.parameters.set_default(name, std::to_string(settings.integer(name)));
    options.retry = {settings.integer("retry_attempts"), settings.seconds("retry_max_timeout")};
    options.probe_interval = settings.seconds("probe_interval");
    return std::unique_ptr<Source>(std::make_unique<PgListenerSource>(std::move(options)));
  }

  explicit PgListenerSource(Options options) : options_(std::move(options)) {}

  Task<Result<>> run(SourceContext& context) override {
    auto limits = options_.retry;
    if (limits.longest < kLeastRetry) {
      context.log().warning(context.log_name(), "retry_max_timeout must be at least 2: it is 2");
      limits.longest = kLeastRetry;
    }
    RetryBudget budget(limits);
    NotificationReader reader(context);
    auto& status = context.status();
    status.link = SourceStatus::Link::connecting;
    while (true) {
      auto connection = co_await open(context);
      std::optional<Error> why;
      if (connection) {
        budget.reset();
        if (status.link == SourceStatus::Link::retrying)
          context.log().info(context.log_name(), "PostgreSQL connection re-established{}",
                             status.connects > 0 ? "; what was sent meanwhile is lost" : "");
        status.connected();
        auto lost = co_await listen(context, **connection, reader);
        if (!lost) co_return lost.error();
        why = std::move(lost->why);
        connection->reset();
        reader.forget();
      } else {
        why = connection.error();
      }
      if (is_final(*why)) co_return *why;
      if (auto waited = co_await wait(context, budget, *why); !waited) co_return waited;
    }
  }

 private:
  static bool is_final(const Error& why) {
    return why.code() == Errc::cancelled || why.code() == Errc::permission_denied ||
           why.code() == Errc::invalid_settings;
  }

  Task<Result<std::unique_ptr<PostgresConnection>>> open(SourceContext& context) const {
    auto connection = co_await PostgresConnection::connect(context.loop(), options_.parameters);
    if (!connection) co_return connection;
    for (const auto& channel : options_.channels) {
      const auto name = (*connection)->quoted(channel);
      if (!name) co_return name.error();
      auto listening = co_await (*connection)->execute("LISTEN " + *name, {}, kListenTimeout);
      if (!listening) co_return std::move(listening.error()).with_context("LISTEN " + *name);
    }
    co_return connection;
  }

  struct Lost {
    Error why;
  };
  // Until the connection is lost. Errors: those of emit().
  Task<Result<Lost>> listen(SourceContext& context, PostgresConnection& connection,
                            NotificationReader& reader) const {
    const bool probes = options_.probe_interval > Duration::zero();
    const auto interval = probes ? options_.probe_interval : kUnprobed;
    while (true) {
      auto arrived = co_await connection.notifications(interval);
      if (!arrived) co_return Lost{arrived.error()};
      reader.expire();
      if (arrived->empty()) {
        if (!probes) continue;
        // An empty statement. A peer that has gone without a word would never be missed otherwise.
        if (auto answered = co_await connection.execute("", {}, interval); !answered)
          co_return Lost{answered.error()};
        continue;
      }
      std::vector<std::string> payloads;
      payloads.reserve(arrived->size());
      for (auto& notification : *arrived) payloads.push_back(std::move(notification.payload));
      auto batch = reader.read(std::move(payloads));
      if (batch.events.empty()) continue;
      if (auto sent = co_await context.emit(std::move(batch)); !sent) co_return sent.error();
    }
  }

  static Task<Result<>> wait(SourceContext& context, RetryBudget& budget, const Error& why) {
    const auto delay = budget.next();
    if (!delay)
      co_return fail(Errc::unavailable,
                     "PostgreSQL cannot be reached, all attempts have failed: {}", why.message());
    auto& status = context.status();
    const std::chrono::duration<double> seconds = *delay;
    context.log().warning(context.log_name(),
                          "PostgreSQL connection {} ({}), reconnecting in {:.0f} seconds",
                          status.connects > 0 ? "lost" : "failed", why.message(), seconds.count());
    status.link = SourceStatus::Link::retrying;
    co_return co_await context.sleep_for(*delay);
  }

  const Options options_;
};

SettingsSchema schema() {
  using enum SettingType;
  const auto count = [](const char* name, int usual, const char* meaning) {
    return Setting(name, integer, meaning).by_default(usual).at_least(0).at_most(1e9);
  };
  // `any`, as the source has messages of its own for what is wrong.
  return {
      .settings = {
          Setting("channels", any, "The channels to listen to, a list; case matters"),
          Setting("dsn", any,
                  "Where the server is: \"host=… dbname=…\" or postgresql://…, as libpq reads it")
              .secret(),
          Setting("postgres_params", any,
                  "The same by libpq's keywords (host, port, dbname…); they win over dsn")
              .secret(),
          Setting("retry_max_timeout", seconds,
                  "The longest wait before a connection is tried again; at least 2")
              .by_default(60)
              .at_most(1e6),
          count("retry_attempts", 10, "How often it is tried again, in each outage"),
          count("keepalives", 1, "1: the system watches the connection; 0: it does not"),
          count("keepalives_idle", 10, "Seconds of silence before it asks"),
          count("keepalives_interval", 10, "Seconds between its questions"),
          count("keepalives_count", 3, "Unanswered questions that end the connection"),
          Setting("probe_interval", seconds,
                  "After this silence the server must answer an empty statement within the same "
                  "time; 0: it is not asked")
              .by_default(10)
              .at_least(0)
              .at_most(1e6),
      }};
}

}  // namespace
}  // namespace millrace::pg_listener

MILLRACE_PLUGIN(pg_listener_source, plugin) {
  plugin.source<millrace::pg_listener::PgListenerSource>(
      "pg_listener", "Makes events of the notifications of a PostgreSQL server.",
      millrace::pg_listener::schema());
}
