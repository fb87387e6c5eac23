// SPDX-License-Identifier: Apache-2.0
#include "connection_string.hpp"

#include <gtest/gtest.h>

namespace millrace::azure_service_bus {
namespace {

TEST(ConnectionString, IsReadWithItsKeysInAnyCase) {
  const auto parsed = parse_connection_string(
      " endpoint=sb://ns.servicebus.windows.net/; SHAREDACCESSKEYNAME=Root;SharedAccessKey=ab+/c==;"
      "EntityPath=orders;TransportType=Amqp;");
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->host, "ns.servicebus.windows.net");
  EXPECT_EQ(parsed->port, 5671);
  EXPECT_TRUE(parsed->tls);
  EXPECT_EQ(parsed->key_name, "Root");
  EXPECT_EQ(parsed->key, "ab+/c==");
  EXPECT_EQ(parsed->entity, "orders");
}

TEST(ConnectionString, MayNameAHostASignatureAndAPort) {
  const auto parsed = parse_connection_string(
      "HostName=ns.example:9;SharedAccessSignature=SharedAccessSignature sr=a&sig=b%3d&se=5&skn=n");
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->host, "ns.example");
  EXPECT_EQ(parsed->port, 9);
  EXPECT_EQ(parsed->signature, "SharedAccessSignature sr=a&sig=b%3d&se=5&skn=n");
}

TEST(ConnectionString, OfTheEmulatorIsWithoutTls) {
  const auto parsed = parse_connection_string(
      "Endpoint=sb://[::1];SharedAccessKeyName=n;SharedAccessKey=k;UseDevelopmentEmulator=True");
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->host, "::1");
  EXPECT_EQ(parsed->port, 5672);
  EXPECT_FALSE(parsed->tls);
}

TEST(ConnectionString, IsRefusedWithoutRepeatingIt) {
  for (const auto* text :
       {"", "s3cret", "=s3cret", "Endpoint=sb://h;SharedAccessKey=s3cret",
        "Endpoint=sb://h;SharedAccessKeyName=n", "SharedAccessKeyName=n;SharedAccessKey=s3cret",
        "Endpoint=sb://h:s3cret/;SharedAccessKeyName=n;SharedAccessKey=s3cret",
        "Endpoint=sb://:1;SharedAccessKeyName=n;SharedAccessKey=s3cret",
        "Endpoint=sb://h;endpoint=sb://h;SharedAccessKeyName=n;SharedAccessKey=s3cret",
        "Endpoint=sb://h;SharedAccessKeyName=n;SharedAccessKey=s3cret;SharedAccessSignature=s"}) {
    const auto parsed = parse_connection_string(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), Errc::invalid_settings);
    EXPECT_TRUE(parsed.error().message().starts_with("conn_str: "));
    EXPECT_FALSE(parsed.error().message().contains("s3cret"));
  }
}

}  // namespace
}  // namespace millrace::azure_service_bus
