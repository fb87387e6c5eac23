// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace millrace::messaging {

/// How a client proves who it is and whom it trusts. Files are PEM; an empty name: none.
struct TlsOptions {
  bool verify = true;          ///< the broker's certificate must be valid
  bool check_hostname = true;  ///< and be that of its host
  std::string ca_file;         ///< authorities that are trusted; empty: those of the system
  std::string certificate_file;
  std::string key_file;  ///< empty: the key is in `certificate_file`
  std::string key_password;
};

}  // namespace millrace::messaging
