// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <optional>
#include <string>

#include "millrace/base/result.hpp"

namespace millrace::net {

/// The PEM files of a TLS server.
struct TlsServerFiles {
  std::string certificates;   ///< the server's certificate, then those that lead to its authority
  std::string key = {};       ///< empty: in `certificates`
  std::string password = {};  ///< of the key
  /// A file and a folder. With either, also an empty one, clients must show a certificate of one of
  /// these.
  std::optional<std::string> authorities = {};
  std::optional<std::string> authorities_folder = {};

  bool verifies_clients() const { return authorities || authorities_folder; }
};

/// TLS 1.2 and later. Errors: invalid_settings when a file cannot be read or used, named by the
/// setting of sources that it is usually given by. Reads files: call it at the start.
Result<std::unique_ptr<boost::asio::ssl::context>> make_server_tls(const TlsServerFiles& files);

}  // namespace millrace::net
