// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/event/value.hpp"

namespace millrace::daemon {

/// What a server gives a worker to do. Holds secrets: never logged.
struct Assignment {
  struct VaultPassword {
    std::string label;
    std::string password;
  };
  struct Controller {
    std::string url;
    std::string token;
    std::string ssl_verify;  ///< yes, no, or a file of authorities
    std::string username;
    std::string password;
  };

  std::filesystem::path rulebook;  ///< a file with what was sent
  Object variables;                ///< `eda.filename.NAME` among them: files with what was sent
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<VaultPassword> vault_passwords;
  std::filesystem::path project_tarball;  ///< empty: none came
  std::optional<Controller> controller;
};

}  // namespace millrace::daemon
