// SPDX-License-Identifier: Apache-2.0
#include "millrace/ansible/vault.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "millrace/ansible/private_folder.hpp"
#include "millrace/base/files.hpp"
#include "millrace/event/json.hpp"

namespace millrace::ansible {
namespace {

// A world with a program of the name ansible-vault, which is a script.
class VaultTest : public ::testing::Test {
 protected:
  VaultTest() : world_(std::move(*PrivateFolder::create())) {
    if (const char* path = std::getenv("PATH")) path_ = path;
    ::setenv("PATH", world_->path().c_str(), 1);
    vault_is(fmt::format("echo x >> {}/calls; echo \"$@\"; /bin/cat", world_->path().string()));
  }
  ~VaultTest() override { ::setenv("PATH", path_.c_str(), 1); }

  void vault_is(std::string_view script) {
    const auto file = world_->write("ansible-vault", fmt::format("#!/bin/sh\n{}\n", script));
    std::filesystem::permissions(*file, std::filesystem::perms::owner_all);
  }
  Task<> decrypt(Vault& vault, Value& value) {
    outcome_ = co_await vault.decrypt_all(value, "the text");
  }
  Result<> run(Vault& vault, Value& value) {
    loop_.run_until_done(decrypt(vault, value));
    return *outcome_;
  }

  std::string path_;
  std::unique_ptr<PrivateFolder> world_;
  ManualClock clock_;
  MainLoop loop_{clock_};
  std::optional<Result<>> outcome_;
};

TEST_F(VaultTest, DecryptsEachTextOnceAndLeavesTheOthers) {
  Vault vault({{"", "/f1"}, {"two", "/f2"}}, loop_);
  auto value =
      *parse_json(R"({"a":["$ANSIBLE_VAULT;1.1 x",1],"b":"plain","c":" $ANSIBLE_VAULT;1.1 x "})");
  EXPECT_TRUE(Vault::holds_encrypted(value));
  ASSERT_TRUE(run(vault, value));
  const auto* clear =
      "decrypt --output - --vault-id default@/f1 --vault-id two@/f2 -\n$ANSIBLE_VAULT;1.1 x\n";
  EXPECT_EQ(value, Value({{"a", Array{clear, 1}}, {"b", "plain"}, {"c", clear}}));
  auto again = *parse_json(R"(["$ANSIBLE_VAULT;1.1 x"])");
  ASSERT_TRUE(run(vault, again));
  EXPECT_EQ(read_file(world_->path() / "calls"), "x\nx\n");
}

TEST_F(VaultTest, TellsWhatCouldNotBeDecryptedWithoutTellingItsContent) {
  vault_is("echo '[WARNING]: x' >&2; echo 'ERROR! Decryption failed' >&2; exit 1");
  Vault vault({{"", "/f1"}}, loop_);
  Value value = Object{{"name", "$ANSIBLE_VAULT;secret"}};
  EXPECT_EQ(run(vault, value).error(),
            Error(Errc::permission_denied, "'name' cannot be decrypted: Decryption failed"));
}

TEST_F(VaultTest, NeedsSecrets) {
  Vault vault({}, loop_);
  Value value = "$ANSIBLE_VAULT;secret";
  EXPECT_EQ(run(vault, value).error().message(), "No vault secrets were provided");
}

TEST_F(VaultTest, NeedsAnsible) {
  std::filesystem::remove(world_->path() / "ansible-vault");
  Vault vault({{"", "/f1"}}, loop_);
  Value value = "$ANSIBLE_VAULT;secret";
  EXPECT_EQ(run(vault, value).error().code(), Errc::unavailable);
}

}  // namespace
}  // namespace millrace::ansible
