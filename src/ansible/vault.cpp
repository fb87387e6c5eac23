// SPDX-License-Identifier: Apache-2.0
#include "millrace/ansible/vault.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/loop/child_process.hpp"

namespace millrace::ansible {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);
constexpr std::size_t kShownReason = 300;

// Ansible's last words, without what comes before "ERROR!".
std::string reason(std::string_view errors) {
  const auto at = errors.rfind("ERROR!");
  if (at != std::string_view::npos) errors.remove_prefix(at + 6);
  return printable(trim(errors).substr(0, kShownReason));
}

}  // namespace

bool Vault::holds_encrypted(const Value& value) {
  if (const auto* text = value.if_string()) return is_encrypted(view(*text));
  if (const auto* list = value.if_array()) return std::ranges::any_of(*list, holds_encrypted);
  const auto* object = value.if_object();
  return object != nullptr && std::ranges::any_of(*object, [](const auto& entry) {
           return holds_encrypted(entry.value());
         });
}

Error Vault::no_secrets() { return fail(Errc::invalid_settings, "No vault secrets were provided"); }

Task<Result<std::string>> Vault::decrypt(std::string text, std::string name) {
  if (const auto found = clear_.find(text); found != clear_.end()) co_return found->second;
  if (secrets_.empty()) co_return no_secrets();
  auto clear = co_await run(text, name);
  if (!clear) co_return clear;
  if (clear_.size() >= kMostRemembered) clear_.clear();
  clear_.insert_or_assign(std::move(text), *clear);
  co_return clear;
}

Task<Result<std::string>> Vault::run(std::string text, const std::string& name) {
  ChildOptions child;
  child.arguments = {"ansible-vault", "decrypt", "--output", "-"};
  for (const auto& secret : secrets_) {
    child.arguments.emplace_back("--vault-id");
    child.arguments.push_back(
        fmt::format("{}@{}", secret.label.empty() ? "default" : secret.label, secret.file));
  }
  child.arguments.emplace_back("-");
  child.input = std::string(trim(text)) + "\n";
  child.timeout = kPatience;
  child.output_limit = std::size_t{16} << 20;
  const auto ended = co_await run_child(loop_, std::move(child));
  if (!ended && ended.error().code() == Errc::not_found) {
    co_return fail(
        Errc::unavailable,
        "there is no ansible-vault in PATH: install Ansible (`apt install ansible-core`)");
  }
  if (!ended) co_return ended.error();
  if (ended->timed_out)
    co_return fail(Errc::timeout, "'{}' cannot be decrypted: ansible-vault did not end", name);
  if (ended->exit_code != 0 || ended->truncated) {
    co_return fail(Errc::permission_denied, "'{}' cannot be decrypted: {}", name,
                   reason(ended->errors));
  }
  co_return ended->output;
}

Task<Result<>> Vault::decrypt_all(Value& value, std::string name) {
  if (auto* text = value.if_string(); text != nullptr && is_encrypted(view(*text))) {
    auto clear = co_await decrypt(std::string(view(*text)), std::move(name));
    if (!clear) co_return clear.error();
    value = *clear;
  } else if (auto* list = value.if_array()) {
    for (auto& item : *list) {
      if (auto done = co_await decrypt_all(item, name); !done) co_return done;
    }
  } else if (auto* object = value.if_object()) {
    for (auto& entry : *object) {
      if (auto done = co_await decrypt_all(entry.value(), std::string(entry.key())); !done)
        co_return done;
    }
  }
  co_return Result<>();
}

}  // namespace millrace::ansible
