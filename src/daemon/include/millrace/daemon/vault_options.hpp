// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "millrace/ansible/vault.hpp"
#include "millrace/base/files.hpp"
#include "millrace/base/result.hpp"

namespace millrace::daemon {

/// What the command line says of vault passwords.
struct VaultOptions {
  std::string password_file;     ///< empty: none
  std::vector<std::string> ids;  ///< label@file
  enum class Ask { no, yes };
  Ask ask = Ask::no;
  std::vector<std::pair<std::string, std::string>> given;  ///< labels and passwords themselves
};

/// Where the passwords are.
struct VaultSecrets {
  std::vector<ansible::VaultSecret> secrets;
  /// Hold those that were typed or given: files in memory, which are on no disk.
  std::vector<FileDescriptor> kept;
};

/// Asks on the terminal, if that is wanted: blocks. Errors: not_found for a file that is not there;
/// invalid_settings for an id that is none; unavailable when there is no terminal.
Result<VaultSecrets> find_vault_secrets(const VaultOptions& options);

}  // namespace millrace::daemon
