// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/log.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "millrace/base/files.hpp"
#include "millrace/base/regex.hpp"

namespace millrace {
namespace {

// What a log of the format writes for one message.
std::string line_of(LogFormat format, LogLevel level, std::string_view message) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return {};
  const FileDescriptor reading(ends[0]);
  {
    const FileDescriptor writing(ends[1]);
    Log log({.least = LogLevel::debug, .format = format, .fd = writing.get()});
    log.write(level, "source.webhook", message);
  }
  std::array<char, 4096> buffer{};
  const auto size = ::read(reading.get(), buffer.data(), buffer.size());
  return {buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

void expect_matches(const std::string& text, std::string_view pattern) {
  const auto regex = Regex::compile(pattern, {});
  ASSERT_TRUE(regex);
  EXPECT_EQ(regex->search(text), Regex::Outcome::match) << text;
}

TEST(Log, WritesTextForPeople) {
  expect_matches(
      line_of(LogFormat::text, LogLevel::warning, "port in use"),
      R"(^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} WARNING source\.webhook: port in use\n$)");
}

TEST(Log, WritesLinesAsPythonsLoggingDoes) {
  expect_matches(
      line_of(LogFormat::python, LogLevel::error, "port in use"),
      R"(^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - source\.webhook - ERROR - port in use\n$)");
}

TEST(Log, WritesOneJsonObjectALine) {
  expect_matches(
      line_of(LogFormat::json, LogLevel::info, "port in use"),
      R"(^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:?\d\d","level":"info","component":"source\.webhook","message":"port in use"\}\n$)");
}

TEST(Log, EscapesWhatJsonWouldNotTake) {
  const auto line = line_of(LogFormat::json, LogLevel::info, "a \"b\" \\ c\nd\te \x01 \xff é");
  EXPECT_NE(line.find(R"("message":"a \"b\" \\ c\nd\u0009e ? )"
                      "\uFFFD é\"}\n"),
            std::string::npos)
      << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(Log, NamesTheLevelsOfEachFormat) {
  const std::vector<std::pair<LogLevel, std::string_view>> levels = {
      {LogLevel::debug, "DEBUG"},
      {LogLevel::info, "INFO"},
      {LogLevel::warning, "WARNING"},
      {LogLevel::error, "ERROR"},
      {LogLevel::critical, "CRITICAL"}};
  for (const auto& [level, name] : levels) {
    EXPECT_NE(line_of(LogFormat::python, level, "x").find(fmt::format(" - {} - ", name)),
              std::string::npos)
        << name;
    EXPECT_NE(line_of(LogFormat::json, level, "x")
                  .find(fmt::format("\"level\":\"{}\"", to_string(level))),
              std::string::npos)
        << name;
  }
}

TEST(Log, LeavesOutWhatIsBelowTheLeastLevel) {
  std::vector<std::string> lines;
  Log log(
      [&](LogLevel level, std::string_view component, std::string_view message) {
        lines.push_back(fmt::format("{} {} {}", to_string(level), component, message));
      },
      LogLevel::warning);
  log.debug("a", "{}", 1);
  log.info("a", "{}", 2);
  log.warning("a", "{}", 3);
  log.error("b", "{}", 4);
  log.write(LogLevel::critical, "c", "5");
  EXPECT_EQ(lines, (std::vector<std::string>{"warning a 3", "error b 4", "critical c 5"}));
  EXPECT_FALSE(log.enabled(LogLevel::info));
}

TEST(Log, MakesForeignBytesPrintable) {
  std::string seen;
  Log log([&](LogLevel, std::string_view, std::string_view message) { seen = message; });
  log.info("a", "{}", "\x1b[31mred\xff");
  EXPECT_EQ(seen, "?[31mred\uFFFD");
}

TEST(Log, AWriteThatFailsIsDropped) {
  Log log({.least = LogLevel::debug, .format = LogFormat::text, .fd = -1});
  log.error("a", "nobody hears this");
}

}  // namespace
}  // namespace millrace
