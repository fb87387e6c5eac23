// SPDX-License-Identifier: Apache-2.0
#include "field_text.hpp"

#include <gtest/gtest.h>

namespace millrace::journald {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;

TEST(JournalField, IsText) {
  EXPECT_EQ(field_text("MESSAGE", {"hello\nü"}), "hello\nü");
  EXPECT_EQ(field_text("PRIORITY", {"6"}), "6");
  EXPECT_EQ(field_text("MESSAGE", {""}), "");
}

TEST(JournalField, IsBytesAsPythonPrintsThemWhenItIsNoText) {
  EXPECT_EQ(field_text("MESSAGE", {"a\xFF\n\\'"}), R"(b"a\xff\n\\'")");
  EXPECT_EQ(field_text("MESSAGE", {std::string_view("\xFF\0\t\r\"'\x7F", 7)}),
            R"(b'\xff\x00\t\r"\'\x7f')");
}

TEST(JournalField, IsAListWhenItIsRepeated) {
  EXPECT_EQ(field_text("X", {"a", "it's", "\xFF"}), R"(['a', "it's", b'\xff'])");
}

TEST(JournalField, HasDashesWhenItIsAnId) {
  const std::string_view id = "0123456789abcdef0123456789abcdef";
  for (const auto* name : {"_BOOT_ID", "_MACHINE_ID", "MESSAGE_ID"})
    EXPECT_EQ(field_text(name, {id}), "01234567-89ab-cdef-0123-456789abcdef");
  EXPECT_EQ(field_text("OTHER_ID", {id}), id);
  EXPECT_EQ(field_text("MESSAGE_ID", {"odd"}), "odd");
}

TEST(JournalField, IsATimeWhereItIsOne) {
  EXPECT_EQ(field_text("_SOURCE_REALTIME_TIMESTAMP", {"1700000000000000"}),
            "2023-11-14 22:13:20+00:00");
  EXPECT_EQ(field_text("_SOURCE_REALTIME_TIMESTAMP", {"1700000000000001"}),
            "2023-11-14 22:13:20.000001+00:00");
  EXPECT_EQ(field_text("_SOURCE_REALTIME_TIMESTAMP", {"99999999999999999999"}),
            "99999999999999999999");
  EXPECT_EQ(field_text("_SOURCE_REALTIME_TIMESTAMP", {"9999999999999999999"}),
            "9999999999999999999");
  EXPECT_EQ(field_text("_SOURCE_MONOTONIC_TIMESTAMP", {"90061000002"}), "1 day, 1:01:01.000002");
}

TEST(JournalField, TellsMonotonicTimeInItsOwnWay) {
  const std::string_view boot = "0123456789abcdef0123456789abcdef";
  EXPECT_EQ(monotonic_text(kSecond, boot),
            "journal.Monotonic(timestamp=datetime.timedelta(seconds=1), "
            "bootid=UUID('01234567-89ab-cdef-0123-456789abcdef'))");
  EXPECT_TRUE(monotonic_text(0, boot).contains("timedelta(0)"));
  EXPECT_TRUE(monotonic_text((86'400 * 2 + 5) * kSecond + 7, boot)
                  .contains("timedelta(days=2, seconds=5, microseconds=7)"));
}

}  // namespace
}  // namespace millrace::journald
