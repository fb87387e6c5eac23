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

TEST(Uuid, OfANameIsAlwaysTheSame) {
  // As Python's uuid.uuid5(uuid.NAMESPACE_OID, …) gives them.
  EXPECT_EQ(uuid_of_name(kUuidNamespaceOid, "eda:0:42"), "5cf311be-f518-5d1e-9713-1ff1d577125e");
  EXPECT_EQ(uuid_of_name(kUuidNamespaceOid, std::string(200, 'x')),
            "a4820d40-cb19-5c7e-8ef3-e16d7d1d063a");
  EXPECT_EQ(uuid_of_name(kUuidNamespaceOid, ""), "0a68eb57-c88a-5f34-9e9d-27f85e68af4f");
}

TEST(Uuid, IsRecognisedInTheFormsThatPythonTakes) {
  for (const auto* text :
       {"6ba7b812-9dad-11d1-80b4-00c04fd430c8", "6BA7B8129DAD11D180B400C04FD430C8",
        "{6ba7b812-9dad-11d1-80b4-00c04fd430c8}", "urn:uuid:6ba7b812-9dad-11d1-80b4-00c04fd430c8"})
    EXPECT_TRUE(is_uuid(text)) << text;
  for (const auto* text : {"", "{}", "5", "6ba7b812-9dad-11d1-80b4-00c04fd430c",
                           "6ba7b812-9dad-11d1-80b4-00c04fd430cg", "----"})
    EXPECT_FALSE(is_uuid(text)) << text;
}

}  // namespace
}  // namespace millrace
