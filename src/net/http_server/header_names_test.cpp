// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/header_names.hpp"

#include <gtest/gtest.h>

#include <string>

namespace millrace::net {
namespace {

TEST(HeaderNames, SpellsWellKnownNamesTheUsualWay) {
  EXPECT_EQ(canonical_name("content-type"), "Content-Type");
  EXPECT_EQ(canonical_name("HOST"), "Host");
  EXPECT_EQ(canonical_name("etag"), "ETag");
  EXPECT_EQ(canonical_name("te"), "TE");
  EXPECT_EQ(canonical_name("x-forwarded-for"), "X-Forwarded-For");
  EXPECT_EQ(canonical_name("access-control-allow-credentials"), "Access-Control-Allow-Credentials");
}

TEST(HeaderNames, LeavesOtherNamesAsTheyWereSent) {
  EXPECT_EQ(canonical_name("x-github-event"), "x-github-event");
  EXPECT_EQ(canonical_name("X-GitHub-Event"), "X-GitHub-Event");
  EXPECT_EQ(canonical_name(""), "");
  const std::string longest(300, 'a');
  EXPECT_EQ(canonical_name(longest), longest);
}

TEST(HeaderNames, ComparesWithoutCase) {
  EXPECT_TRUE(same_name("X-Hub-Signature-256", "x-hub-signature-256"));
  EXPECT_FALSE(same_name("X-Hub-Signature", "x-hub-signature-256"));
  EXPECT_FALSE(same_name("a@", "a`")) << "only letters have a case";
}

}  // namespace
}  // namespace millrace::net
