// SPDX-License-Identifier: Apache-2.0
#include <libpq-fe.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>

#include "host_addresses.hpp"
#include "messages.hpp"
#include "millrace/base/text.hpp"
#include "millrace/messaging/postgresql.hpp"

namespace millrace::messaging {
namespace {

using Socket = asio::posix::stream_descriptor;
using PgConnection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using PgResult = std::unique_ptr<PGresult, decltype(&PQclear)>;

constexpr Duration kConnectTimeout = std::chrono::seconds(15);
constexpr std::size_t kMostNotifications = 512;
constexpr std::size_t kMostBytes = std::size_t{1} << 20;

enum class Ready { yes, timeout };

Duration connect_timeout(const PostgresParameters& parameters) {
  int seconds = 0;
  if (const auto* given = parameters.find("connect_timeout"))
    std::from_chars(given->data(), given->data() + given->size(), seconds);
  return seconds > 0 ? std::chrono::seconds(seconds) : kConnectTimeout;
}

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

/// libpq's connection, and the loop's watch of its socket.
class PostgresConnection::Link {
 public:
  Link(MainLoop& loop, PGconn* connection)
      : loop_(loop), connection_(connection, PQfinish), socket_(loop.executor()) {
    // With SQLSTATE: the words alone depend on the server's language.
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(connection, &Link::on_notice, this);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { let_go(); }

  PGconn* get() const { return connection_.get(); }
  MainLoop& loop() const { return loop_; }

  Task<Result<>> connect(Duration timeout) {
    const auto deadline = loop_.clock().now() + timeout;
    auto wanted = PGRES_POLLING_WRITING;
    while (PQstatus(get()) != CONNECTION_BAD && wanted != PGRES_POLLING_FAILED) {
      const auto what = wanted == PGRES_POLLING_READING ? Socket::wait_read : Socket::wait_write;
      auto ready = co_await wait(what, deadline);
      let_go();  // libpq may go on with another socket
      if (!ready) co_return ready.error();
      if (*ready == Ready::timeout)
        co_return fail(Errc::timeout, "no connection within {:g} seconds", in_seconds(timeout));
      wanted = PQconnectPoll(get());
      if (wanted != PGRES_POLLING_OK) continue;
      PQsetnonblocking(get(), 1);
      co_return Result<>();
    }
    const std::string_view said = PQerrorMessage(get());
    const bool denied = denies_access(said) || PQconnectionNeedsPassword(get()) == 1;
    co_return Error(denied ? Errc::permission_denied : Errc::unavailable, one_line(said));
  }

  Task<Result<>> execute(const std::string& statement, const std::vector<std::string>& parameters,
                         Instant deadline) {
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const auto& parameter : parameters) values.push_back(parameter.c_str());
    if (PQsendQueryParams(get(), statement.c_str(), static_cast<int>(values.size()), nullptr,
                          values.data(), nullptr, nullptr, 0) == 0)
      co_return lost();
    if (auto sent = co_await flush(deadline); !sent) co_return sent;
    Result<> outcome;
    while (true) {
      while (PQisBusy(get()) == 1) {
        auto got = co_await receive(deadline);
        if (!got) co_return got.error();
        if (*got == Ready::timeout) co_return fail(Errc::timeout, "the server does not answer");
      }
      const PgResult result(PQgetResult(get()), PQclear);
      if (!result) co_return outcome;
      const auto status = PQresultStatus(result.get());
      if (PQstatus(get()) == CONNECTION_BAD) co_return lost();
      if (status == PGRES_FATAL_ERROR)
        outcome = Error(Errc::conflict, one_line(PQresultErrorMessage(result.get())));
    }
  }

  Task<Result<std::vector<PostgresNotification>>> notifications(Instant deadline) {
    while (true) {
      // Also without anything to read: what came with an answer waits within libpq.
      if (auto arrived = take_notifications(); !arrived.empty()) co_return arrived;
      const auto got = co_await receive(deadline);
      if (!got) co_return got.error();
      if (*got == Ready::timeout) co_return std::vector<PostgresNotification>();
    }
  }

 private:
  Task<Result<Ready>> wait(Socket::wait_type what, Instant deadline) {
    if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
    if (!socket_.is_open()) {
      boost::system::error_code refused;
      socket_.assign(PQsocket(get()), refused);
      if (refused) co_return fail(Errc::unavailable, "no socket: {}", refused.message());
    }
    const auto left = std::max(Duration::zero(), deadline - loop_.clock().now());
    const auto alarm = loop_.call_later(left, [this] {
      boost::system::error_code ignored;
      socket_.cancel(ignored);
    });
    boost::system::error_code error;
    co_await socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
    loop_.cancel(alarm);
    if (!error) co_return Ready::yes;
    if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
    if (error == asio::error::operation_aborted) co_return Ready::timeout;
    co_return fail(Errc::unavailable, "{}", error.message());
  }

  Task<Result<Ready>> receive(Instant deadline) {
    auto ready = co_await wait(Socket::wait_read, deadline);
    if (ready && *ready == Ready::yes && PQconsumeInput(get()) == 0) co_return lost();
    co_return ready;
  }

  // Nothing is read meanwhile: what the server could send then is little, it fits its buffers.
  Task<Result<>> flush(Instant deadline) {
    while (true) {
      const int left = PQflush(get());
      if (left < 0) co_return lost();
      if (left == 0) co_return Result<>();
      auto ready = co_await wait(Socket::wait_write, deadline);
      if (!ready) co_return ready.error();
      if (*ready == Ready::timeout) co_return fail(Errc::timeout, "the server takes nothing");
    }
  }

  std::vector<PostgresNotification> take_notifications() {
    using Notification = std::unique_ptr<PGnotify, decltype(&PQfreemem)>;
    std::vector<PostgresNotification> taken;
    std::size_t bytes = 0;
    while (taken.size() < kMostNotifications && bytes < kMostBytes) {
      const Notification notification(PQnotifies(get()), PQfreemem);
      if (!notification) break;
      taken.push_back({notification->relname, notification->extra});
      bytes += taken.back().payload.size();
    }
    return taken;
  }

  Error lost() {
    PQisBusy(get());  // reads what came last
    return Error(Errc::unavailable,
                 farewell_.empty() ? one_line(PQerrorMessage(get())) : std::move(farewell_));
  }

  // What a server says that ends a connection on which nothing was asked is a notice for libpq.
  static void on_notice(void* self, const PGresult* notice) {
    const char* const severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity != nullptr && std::string_view(severity) == "FATAL")
      static_cast<Link*>(self)->farewell_ = one_line(PQresultErrorMessage(notice));
  }

  // The socket is libpq's to close.
  void let_go() {
    if (socket_.is_open()) socket_.release();
  }

  MainLoop& loop_;
  const PgConnection connection_;
  Socket socket_;
  std::string farewell_;
};

PostgresConnection::PostgresConnection(std::unique_ptr<Link> link) : link_(std::move(link)) {}
PostgresConnection::~PostgresConnection() = default;

Task<Result<std::unique_ptr<PostgresConnection>>> PostgresConnection::connect(
    MainLoop& loop, PostgresParameters parameters, Duration most) {
  const auto timeout = std::min(connect_timeout(parameters), most);
  parameters.set("client_encoding", "UTF8");  // of JSON
  parameters.set_default("fallback_application_name", "millrace");
  auto resolved = co_await with_addresses(std::move(parameters));
  if (!resolved) co_return resolved.error();
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : resolved->entries_) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  PGconn* const started = PQconnectStartParams(keywords.data(), values.data(), 0);
  if (started == nullptr) co_return fail(Errc::io, "libpq has no memory");
  auto link = std::make_unique<Link>(loop, started);
  if (auto connected = co_await link->connect(timeout); !connected) co_return connected.error();
  co_return std::unique_ptr<PostgresConnection>(new PostgresConnection(std::move(link)));
}

Task<Result<>> PostgresConnection::execute(const std::string& statement,
                                           const std::vector<std::string>& parameters,
                                           Duration timeout) {
  return link_->execute(statement, parameters, link_->loop().clock().now() + timeout);
}

Result<std::string> PostgresConnection::quoted(std::string_view identifier) const {
  const std::unique_ptr<char, decltype(&PQfreemem)> made(
      PQescapeIdentifier(link_->get(), identifier.data(), identifier.size()), PQfreemem);
  if (!made)
    return fail(Errc::invalid_settings, "{} cannot be a name: {}", printable(identifier),
                one_line(PQerrorMessage(link_->get())));
  return std::string(made.get());
}

Task<Result<std::vector<PostgresNotification>>> PostgresConnection::notifications(
    Duration timeout) {
  return link_->notifications(link_->loop().clock().now() + timeout);
}

}  // namespace millrace::messaging
