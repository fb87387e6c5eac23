// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"

namespace millrace::ansible {

/// Where a vault password is to be had.
struct VaultSecret {
  std::string label;  ///< empty: none
  std::string file;   ///< holds it, or is a program that prints it, as Ansible has it
};

/// Decrypts texts with the system's ansible-vault, which reads the passwords from their files: they
/// are in no argument and no log. What was decrypted is remembered. Loop thread only.
class Vault {
 public:
  Vault(std::vector<VaultSecret> secrets, MainLoop& loop)
      : secrets_(std::move(secrets)), loop_(loop) {}
  Vault(const Vault&) = delete;
  Vault& operator=(const Vault&) = delete;

  static bool is_encrypted(std::string_view text) { return text.contains("$ANSIBLE_VAULT"); }
  /// Whether there is an encrypted text anywhere in it.
  static bool holds_encrypted(const Value& value);
  static Error no_secrets();

  /// The encrypted text in clear. `name` stands for it in messages: never its content. Errors:
  /// permission_denied ("'name' cannot be decrypted: …"), invalid_settings ("No vault secrets were
  /// provided"), timeout, unavailable, cancelled.
  Task<Result<std::string>> decrypt(std::string text, std::string name);
  /// All encrypted texts in it, in place; named after the key where they stand.
  Task<Result<>> decrypt_all(Value& value, std::string name);

 private:
  static constexpr std::size_t kMostRemembered = 256;

  Task<Result<std::string>> run(std::string text, const std::string& name);

  const std::vector<VaultSecret> secrets_;
  MainLoop& loop_;
  std::map<std::string, std::string, std::less<>> clear_;  ///< by encrypted text
};

}  // namespace millrace::ansible
