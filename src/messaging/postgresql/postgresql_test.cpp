// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/postgresql.hpp"

#include <gtest/gtest.h>

#include "messages.hpp"

namespace millrace::messaging {
namespace {

TEST(PostgresParameters, WinOverTheConnectionString) {
  const auto read = PostgresParameters::read("host=a port=1 password='x y'",
                                             Value(Object{{"port", 2}, {"keepalives", true}}));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read->find("host"), "a");
  EXPECT_EQ(*read->find("port"), "2");
  EXPECT_EQ(*read->find("password"), "x y");
  EXPECT_EQ(*read->find("keepalives"), "1");
  EXPECT_EQ(read->find("user"), nullptr);
}

TEST(PostgresParameters, MayBeAUri) {
  const auto read =
      PostgresParameters::read("postgresql://u:p%20w@h:7/db?sslmode=require", Value());
  ASSERT_TRUE(read);
  EXPECT_EQ(*read->find("password"), "p w");
  EXPECT_EQ(*read->find("sslmode"), "require");
}

TEST(PostgresParameters, AreNotRepeatedWhenTheyAreWrong) {
  const auto dsn = PostgresParameters::read("password=s3cret pass", Value());
  ASSERT_FALSE(dsn);
  EXPECT_FALSE(dsn.error().message().contains("pass"));
  const auto keyword = PostgresParameters::read(Value(), Value(Object{{"hots", "s3cret"}}));
  ASSERT_FALSE(keyword);
  EXPECT_EQ(keyword.error().message(), "postgres_params: hots is not a keyword of libpq");
  EXPECT_EQ(PostgresParameters::read(Value(), Value(Object{{"host", Array()}})).error().message(),
            "postgres_params: host must be a text or a number");
}

TEST(PostgresParameters, KeepWhatIsThereBeforeADefault) {
  auto read = *PostgresParameters::read("keepalives_idle=5", Value());
  read.set_default("keepalives_idle", "10");
  read.set_default("keepalives", "1");
  EXPECT_EQ(*read.find("keepalives_idle"), "5");
  EXPECT_EQ(*read.find("keepalives"), "1");
}

constexpr auto* kDenied =
    "connection to server at \"127.0.0.1\", port 1 failed: FATAL:  28P01: password authentication "
    "failed for user \"x\"\nLOCATION:  auth_failed, auth.c:326\n";

TEST(PostgresMessage, IsOneLineWithoutCodes) {
  EXPECT_EQ(one_line(kDenied),
            "connection to server at \"127.0.0.1\", port 1 failed: FATAL:  password authentication "
            "failed for user \"x\"");
  EXPECT_EQ(one_line("a failed\nb failed\n"), "a failed; b failed");
  EXPECT_EQ(one_line(""), "the server gave no reason");
}

TEST(PostgresMessage, TellsWhetherAccessWasDenied) {
  EXPECT_TRUE(denies_access(kDenied));
  EXPECT_FALSE(denies_access("FATAL:  57P03: the database system is starting up"));
  EXPECT_FALSE(denies_access("28 users"));
}

class PostgresPeer : public ::testing::Test {
 protected:
  Task<> connect(std::string dsn) {
    auto made =
        co_await PostgresConnection::connect(loop_, *PostgresParameters::read(Value(dsn), Value()));
    error_ = made ? "none" : made.error().message();
  }

  const SystemClock clock_;
  MainLoop loop_{clock_};
  std::string error_;
};

TEST_F(PostgresPeer, IsToldWhenItIsNotThere) {
  loop_.run_until_done(connect("host=localhost port=1 password=s3cret sslmode=disable"));
  EXPECT_TRUE(error_.contains("Connection refused")) << error_;
  EXPECT_FALSE(error_.contains("s3cret"));
}

TEST_F(PostgresPeer, IsLookedUp) {
  loop_.run_until_done(connect("host=no-such-host.invalid"));
  EXPECT_TRUE(error_.starts_with("cannot look up no-such-host.invalid: ")) << error_;
}

}  // namespace
}  // namespace millrace::messaging
