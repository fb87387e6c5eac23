// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/uuid.hpp"

#include <gtest/gtest.h>

#include <set>

#include "millrace/base/regex.hpp"

namespace millrace {
namespace {

TEST(Uuid, HasTheShapeOfVersionFour) {
  const auto shape =
      Regex::compile("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", {});
  ASSERT_TRUE(shape);
  UuidGenerator uuids(7);
  for (int i = 0; i < 1000; ++i) {
    const auto uuid = uuids.next();
    EXPECT_EQ(shape->search(uuid), Regex::Outcome::match) << uuid;
  }
}

TEST(Uuid, DoesNotRepeat) {
  UuidGenerator uuids;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(uuids.next()).second);
  EXPECT_TRUE(seen.insert(UuidGenerator().next()).second);
}

TEST(Uuid, ASeedSettlesWhatComes) {
  UuidGenerator a(42);
  UuidGenerator b(42);
  UuidGenerator other(43);
  const auto first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, other.next());
  EXPECT_NE(first, a.next());
}

}  // namespace
}  // namespace millrace
