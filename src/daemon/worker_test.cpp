// SPDX-License-Identifier: Apache-2.0
#include "worker.hpp"

#include <gtest/gtest.h>

#include "millrace/base/files.hpp"
#include "work_folder.hpp"

namespace millrace::daemon {
namespace {

constexpr auto* kRulebook = R"({"type":"Rulebook","data":"LSBuYW1lOiBhCg=="})";  // - name: a

TEST(Assignment, IsPutTogetherInAnyOrder) {
  AssignmentReader reader;
  for (
      const auto* message :
      {R"({"type":"FileContents","template_key":"template.b","data":"eWVz"})",
       R"({"type":"ProjectData","data":"AAEC","more":true})",
       R"({"type":"ExtraVars","data":"eDogMQo="})", kRulebook,
       R"({"type":"ProjectData","data":"Aw==","more":true})",
       R"({"type":"ProjectData","data":null,"more":false})",
       R"({"type":"EnvVars","data":"QTogMgo="})",
       R"({"type":"VaultCollection","data":[{"type":"VaultPassword","label":"l","password":"p"}]})",
       R"({"type":"ControllerInfo","url":"u","token":"t","ssl_verify":"no"})",
       R"({"type":"Other"})"}) {
    const auto taken = reader.take(message);
    ASSERT_TRUE(taken) << message << taken.error().message();
    EXPECT_FALSE(*taken);
  }
  EXPECT_TRUE(reader.take(R"({"type":"EndOfResponse"})").value());
  const auto folder = WorkFolder::create();
  ASSERT_TRUE(folder);
  const auto made = reader.finish(folder->path());
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(read_file(made->rulebook).value(), "- name: a\n");
  EXPECT_EQ(read_file(made->project_tarball).value(), std::string("\0\1\2\3", 4));
  EXPECT_EQ(made->variables.at("x"), Value(1));
  const auto& file = made->variables.at("eda").at("filename").at("b").as_string();
  EXPECT_EQ(read_file(std::string(file)).value(), "yes");
  EXPECT_EQ(made->environment.at(0), std::pair(std::string("A"), std::string("2")));
  EXPECT_EQ(made->vault_passwords.at(0).label, "l");
  EXPECT_EQ(made->vault_passwords.at(0).password, "p");
  EXPECT_EQ(made->controller->token, "t");
  EXPECT_EQ(made->controller->ssl_verify, "no");
}

TEST(Assignment, RefusesWhatIsNotAsAgreed) {
  for (const auto* message :
       {"", "[]", "{", R"({"type":"Rulebook","data":"?"})", R"({"type":"ExtraVars","data":"WzFd"})",
        R"({"type":"EnvVars","data":"QT1COiAyCg=="})", R"({"type":"VaultCollection","data":1})",
        R"({"type":"VaultCollection","data":[1]})"}) {
    const auto taken = AssignmentReader().take(message);
    ASSERT_FALSE(taken) << message;
    EXPECT_EQ(taken.error().code(), Errc::invalid_settings) << message;
  }
}

TEST(Assignment, NeedsARulebook) {
  AssignmentReader reader;
  const auto folder = WorkFolder::create();
  ASSERT_TRUE(folder);
  EXPECT_EQ(reader.finish(folder->path()).error().code(), Errc::not_found);
}

TEST(Assignment, HasOneFileWithoutAName) {
  AssignmentReader reader;
  ASSERT_TRUE(reader.take(kRulebook));
  ASSERT_TRUE(reader.take(R"({"type":"FileContents","template_key":"template","data":"eWVz"})"));
  const auto folder = WorkFolder::create();
  ASSERT_TRUE(folder);
  const auto made = reader.finish(folder->path());
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->variables.at("eda").at("filename").is_string());
}

}  // namespace
}  // namespace millrace::daemon
