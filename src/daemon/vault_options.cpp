// SPDX-License-Identifier: Apache-2.0
#include "millrace/daemon/vault_options.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "millrace/base/files.hpp"

namespace millrace::daemon {
namespace {

constexpr std::size_t kLongestPassword = 4096;
constexpr std::string_view kPrompt = "Vault password: ";

// What is typed is not shown until this goes.
class Unseen {
 public:
  explicit Unseen(int terminal) : terminal_(terminal) {
    changed_ = ::tcgetattr(terminal, &before_) == 0;
    if (!changed_) return;
    auto quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(terminal, TCSAFLUSH, &quiet);
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
  ~Unseen() {
    if (changed_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
  }

 private:
  const int terminal_;
  bool changed_ = false;
  termios before_{};
};

Result<std::string> ask_password() {
  const FileDescriptor terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal)
    return fail(Errc::unavailable, "there is no terminal to ask for the vault password on");
  if (auto asked = write_all(terminal.get(), kPrompt); !asked) return asked.error();
  const Unseen unseen(terminal.get());
  std::string password;
  char byte = 0;
  while (password.size() < kLongestPassword && ::read(terminal.get(), &byte, 1) == 1 &&
         byte != '\n')
    password += byte;
  static_cast<void>(write_all(terminal.get(), "\n").has_value());
  if (password.empty()) return fail(Errc::invalid_settings, "the vault password is empty");
  return password;
}

Result<> add(VaultSecrets& found, std::string label, const std::string& file) {
  std::error_code ignored;
  const auto path = std::filesystem::absolute(file, ignored);
  if (!std::filesystem::exists(path, ignored))
    return fail(Errc::not_found, "Vault password file {} not found", file);
  found.secrets.push_back({std::move(label), path.string()});
  return {};
}

Result<> keep(VaultSecrets& found, std::string label, const std::string& password) {
  FileDescriptor file(::memfd_create("vault-password", MFD_CLOEXEC));
  // Ansible runs a file that may be run, as a program that prints the password.
  if (!file || ::fchmod(file.get(), S_IRUSR | S_IWUSR) != 0)
    return fail_errno(errno, "cannot keep the vault password");
  if (auto kept = write_all(file.get(), password + "\n"); !kept) return kept;
  found.secrets.push_back(
      {std::move(label), fmt::format("/proc/{}/fd/{}", ::getpid(), file.get())});
  found.kept.push_back(std::move(file));
  return {};
}

}  // namespace

Result<VaultSecrets> find_vault_secrets(const VaultOptions& options) {
  VaultSecrets found;
  Result<> added;
  if (!options.password_file.empty()) added = add(found, "", options.password_file);
  for (const auto& id : options.ids) {
    if (!added) break;
    const auto at = id.find('@');
    if (at == std::string::npos || at == 0 || at + 1 == id.size())
      return fail(Errc::invalid_settings, "`{}` is no vault id, such as label@file", id);
    added = add(found, id.substr(0, at), id.substr(at + 1));
  }
  for (const auto& [label, password] : options.given) {
    if (added) added = keep(found, label, password);
  }
  if (!added) return added.error();
  if (options.ask == VaultOptions::Ask::no) return found;
  const auto password = ask_password();
  if (!password) return password.error();
  if (auto kept = keep(found, "", *password); !kept) return kept.error();
  return found;
}

}  // namespace millrace::daemon
