// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/result.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace millrace {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(Errc::conflict, "{} is odd", number);
  return number / 2;
}

TEST(Result, HoldsAValueOrTheReason) {
  EXPECT_EQ(half(4).value(), 2);
  const auto odd = half(3);
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error(), Error(Errc::conflict, "3 is odd"));
}

TEST(Result, ContextGoesInFront) {
  const auto error = fail(Errc::io, "disk full").with_context("queue").with_context("start");
  EXPECT_EQ(error.message(), "start: queue: disk full");
  EXPECT_EQ(error.code(), Errc::io);
}

TEST(Result, ErrnoChoosesTheCode) {
  EXPECT_EQ(fail_errno(ENOENT, "x"), Error(Errc::not_found, "x: No such file or directory"));
  EXPECT_EQ(fail_errno(EACCES, "x").code(), Errc::permission_denied);
  EXPECT_EQ(fail_errno(EPERM, "x").code(), Errc::permission_denied);
  EXPECT_EQ(fail_errno(ENOSPC, "x").code(), Errc::io);
}

TEST(Result, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Errc::io); ++code)
    names.insert(to_string(static_cast<Errc>(code)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Errc::io) + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace millrace
