// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"

namespace millrace::messaging {

/// Where a PostgreSQL server is and how to talk to it: libpq's keywords, each once. They may hold
/// a password: never to be logged.
class PostgresParameters {
 public:
  /// `dsn`: a connection string or URI, or null; `parameters`: keywords with texts, numbers or
  /// booleans, or null; they win over the dsn's. Errors: invalid_settings, without values.
  static Result<PostgresParameters> read(const Value& dsn, const Value& parameters);

  /// Unless it is there already.
  void set_default(std::string_view keyword, std::string value);
  const std::string* find(std::string_view keyword) const;
  void set(std::string_view keyword, std::string value);

  friend bool operator==(const PostgresParameters&, const PostgresParameters&) = default;

 private:
  friend class PostgresConnection;
  std::vector<std::pair<std::string, std::string>> entries_;
};

struct PostgresNotification {
  std::string channel;
  std::string payload;
};

/// A connection to a PostgreSQL server by libpq, whose socket the loop watches. Loop thread only,
/// one task at a time. After an error other than of a statement it is of no use any more.
class PostgresConnection {
 public:
  /// Names are looked up on another thread. It takes `timeout` at the most, and what the keyword
  /// connect_timeout says, 15 seconds by default. Errors: permission_denied when the server does
  /// not accept who we say we are; invalid_settings; unavailable, timeout, cancelled. Messages hold
  /// no password.
  static Task<Result<std::unique_ptr<PostgresConnection>>> connect(
      MainLoop& loop, PostgresParameters parameters, Duration timeout = Duration::max());
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;
  ~PostgresConnection();

  /// One statement, with $1…; what it answers is dropped. Errors: conflict when the server refuses
  /// it (the connection can be used on); unavailable; timeout; cancelled.
  Task<Result<>> execute(const std::string& statement, const std::vector<std::string>& parameters,
                         Duration timeout);

  /// An identifier as it stands in a statement: case and all. Errors: invalid_settings.
  Result<std::string> quoted(std::string_view identifier) const;

  /// What has arrived on the channels that are listened to: waits until there is some; none if
  /// there is none within `timeout`. Bounded. Errors: unavailable, cancelled.
  Task<Result<std::vector<PostgresNotification>>> notifications(Duration timeout);

 private:
  class Link;
  explicit PostgresConnection(std::unique_ptr<Link> link);
  const std::unique_ptr<Link> link_;
};

}  // namespace millrace::messaging
