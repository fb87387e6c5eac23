// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/messaging/amqp_connection.hpp"

namespace millrace::messaging {
namespace {

TEST(AmqpUrl, SaysHostPortUserAndVirtualHost) {
  const auto read = read_amqp_url("amqp://me:p%40ss@rabbit:1234/prod", {});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->host, "rabbit");
  EXPECT_EQ(read->port, 1234);
  EXPECT_EQ(read->username, "me");
  EXPECT_EQ(read->password, "p@ss");
  EXPECT_EQ(read->virtual_host, "prod");
  EXPECT_FALSE(read->tls);
}

TEST(AmqpUrl, LeavesWhatItDoesNotSay) {
  const auto read = read_amqp_url("amqps://rabbit", {.virtual_host = "mine"});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->port, 5671);
  EXPECT_EQ(read->username, "guest");
  EXPECT_EQ(read->virtual_host, "mine");
  EXPECT_TRUE(read->tls);
  EXPECT_EQ(read_amqp_url("amqp://[::1]/%2F", {})->virtual_host, "/");
  EXPECT_EQ(read_amqp_url("amqp://[::1]/", {})->virtual_host, "/");
}

TEST(AmqpUrl, RefusesOthersWithoutRepeatingThem) {
  for (const auto* url : {"http://u:secret@h", "secret", "amqp://", "amqp://u:secret@h/a/b",
                          "amqp://u:secret@h/v?heartbeat=1", "amqp://u:secret@h:99999/"}) {
    const auto read = read_amqp_url(url, {});
    ASSERT_FALSE(read) << url;
    EXPECT_EQ(read.error().code(), Errc::invalid_settings);
    EXPECT_FALSE(read.error().message().contains("secret")) << url;
  }
}

}  // namespace
}  // namespace millrace::messaging
