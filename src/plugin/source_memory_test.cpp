// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/source_memory.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "millrace/event/json.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/plugin/testing/temporary_folder.hpp"

namespace millrace {
namespace {

class SourceMemoryTest : public ::testing::Test {
 protected:
  Result<> remember(SourceMemory& memory, Value value) {
    Result<> outcome;
    loop_.run_until_done(keep(memory.remember(std::move(value), pool_), outcome));
    return outcome;
  }

  const testing::TemporaryFolder folder_;

 private:
  static Task<> keep(Task<Result<>> task, Result<>& outcome) { outcome = co_await std::move(task); }

  SystemClock clock_;
  MainLoop loop_{clock_};
  BlockingPool pool_{1};
};

TEST_F(SourceMemoryTest, OutlivesTheRunInAFile) {
  const auto file = std::filesystem::path(folder_.path()) / "rules" / "journal.json";
  {
    SourceMemory memory(file);
    EXPECT_FALSE(memory.recall()->has_value());
    ASSERT_TRUE(remember(memory, Value(Object{{"cursor", "s=1"}})));
    ASSERT_TRUE(remember(memory, Value(Object{{"cursor", "s=2"}})));
  }
  EXPECT_EQ(to_json(**SourceMemory(file).recall()), R"({"cursor":"s=2"})");
}

TEST_F(SourceMemoryTest, WithoutAFileLastsAsLongAsItself) {
  SourceMemory memory;
  EXPECT_FALSE(memory.recall()->has_value());
  ASSERT_TRUE(remember(memory, Value(5)));
  EXPECT_EQ(to_json(**memory.recall()), "5");
}

TEST_F(SourceMemoryTest, DamageIsTold) {
  const auto file = std::filesystem::path(folder_.path()) / "a.json";
  std::ofstream(file) << "{\"cursor\": ";
  const auto recalled = SourceMemory(file).recall();
  ASSERT_FALSE(recalled);
  EXPECT_EQ(recalled.error().code(), Errc::corrupt);
  EXPECT_NE(recalled.error().message().find("a.json"), std::string::npos);
}

TEST_F(SourceMemoryTest, WhatCannotBeWrittenLeavesTheOldValue) {
  folder_.write("rules", "not a folder");
  SourceMemory memory(std::filesystem::path(folder_.path()) / "rules" / "a.json");
  EXPECT_FALSE(remember(memory, Value(1)));
}

}  // namespace
}  // namespace millrace
