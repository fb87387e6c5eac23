// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"
#include "millrace/net/http_client.hpp"

namespace millrace::net {

struct SmtpServer {
  enum class Security {
    none,
    starttls,  ///< begins in the clear and must change to TLS
    tls,       ///< from the beginning
  };
  std::string host;
  std::uint16_t port = 0;
  Security security = Security::starttls;
  TlsClientFiles tls = {};
  std::optional<std::pair<std::string, std::string>> user_and_password = {};
};

/// A mail on its way: addresses alone, and the message with its headers, in lines that end with
/// CR LF (mail_message.hpp makes it).
struct Mail {
  std::string from;
  std::vector<std::string> recipients;
  std::string message;
};

/// Hands mails to a server. libcurl works on a thread of its own; everything else: loop thread
/// only.
class SmtpClient {
 public:
  /// Errors: io when libcurl cannot be set up.
  static Result<std::unique_ptr<SmtpClient>> create(MainLoop& loop);
  SmtpClient(const SmtpClient&) = delete;
  SmtpClient& operator=(const SmtpClient&) = delete;
  /// No mail may be under way.
  ~SmtpClient();

  /// Success: the server has taken the mail for every recipient. Errors: unavailable when it cannot
  /// be reached or says that it may take the mail later (4xx); timeout (it may have been taken all
  /// the same); permission_denied when it cannot be trusted or does not trust us;
  /// invalid_settings when it refuses the mail for good (5xx); cancelled, at once. Messages never
  /// hold the password.
  Task<Result<>> send(SmtpServer server, Mail mail, Duration timeout);

 private:
  class Worker;
  explicit SmtpClient(std::unique_ptr<Worker> worker);
  const std::unique_ptr<Worker> worker_;
};

}  // namespace millrace::net
