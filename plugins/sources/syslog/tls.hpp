// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <optional>
#include <string>

#include "millrace/base/result.hpp"

namespace millrace::syslog {

/// The PEM files of a TLS server.
struct TlsFiles {
  std::string certificates;  ///< the server's certificate, then those that lead to its authority
  std::string key;           ///< without a password; may be the same file
  std::optional<std::string> authorities;  ///< clients must show a certificate of one of these
};

/// TLS 1.2 and later. Errors: invalid_settings when a file cannot be read or used. Reads files:
/// call it at the start.
Result<std::unique_ptr<boost::asio::ssl::context>> make_tls(const TlsFiles& files);

}  // namespace millrace::syslog
