// SPDX-License-Identifier: Apache-2.0
#include "line_cutter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "millrace/event/event.hpp"

namespace millrace::exec_source {
namespace {

struct AllLines {
  std::vector<std::pair<std::uint64_t, std::string>> lines;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> too_long;
  friend bool operator==(const AllLines&, const AllLines&) = default;
};

void add(const Lines& lines, AllLines& all) {
  for (const auto& line : lines.lines) all.lines.emplace_back(line.number, line.text);
  for (const auto& line : lines.too_long) all.too_long.emplace_back(line.number, line.bytes);
}

// Plainly written.
AllLines expected_of(const std::string& text, std::size_t limit) {
  AllLines all;
  std::uint64_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.size() > limit) {
      all.too_long.emplace_back(number, line.size());
    } else {
      all.lines.emplace_back(number, line);
    }
  }
  return all;
}

TEST(LineCutter, CutsRandomTextsAsAPlainOneDoesHoweverTheyArrive) {
  std::mt19937 random(7);  // NOLINT(bugprone-random-generator-seed): the same texts each time
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (auto lines = random() % 20; lines > 0; --lines) {
      text.append(random() % 4 == 0 ? random() % 120 : random() % 12,
                  static_cast<char>('a' + lines));
      if (lines > 1 || random() % 2 == 0) text += '\n';
    }
    const std::size_t limit = 1 + random() % 100;
    LineCutter cutter(limit);
    AllLines actual;
    for (std::size_t at = 0; at < text.size();) {
      const auto size = std::min<std::size_t>(1 + random() % 40, text.size() - at);
      add(cutter.add(std::string_view(text).substr(at, size)), actual);
      at += size;
    }
    add(cutter.finish(), actual);
    ASSERT_EQ(actual, expected_of(text, limit)) << text << "\nlimit " << limit;
  }
}

TEST(LineCutter, TakesLinesThatEndWithCrLfAndDoesNotCountThatAsLength) {
  LineCutter cutter(3);
  AllLines all;

  add(cutter.add("abc\r"), all);
  add(cutter.add("\n\r\nabcd\r\n"), all);

  EXPECT_EQ(all.lines, (std::vector<std::pair<std::uint64_t, std::string>>{{1, "abc"}, {2, ""}}));
  EXPECT_EQ(all.too_long, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{3, 4}}));
}

TEST(LineCutter, LeavesRoomBehindTheLastByteForTheParser) {
  LineCutter cutter(100);
  const auto lines = cutter.add("{}\n");
  ASSERT_EQ(lines.lines.size(), 1U);
  // The address sanitizer watches this.
  volatile char last = lines.lines.front().text.data()[2 + kTextPadding - 1];
  (void)last;
}

}  // namespace
}  // namespace millrace::exec_source
