// SPDX-License-Identifier: Apache-2.0
#include "line_reader.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "jsonl_test_files.hpp"

namespace millrace::jsonl {
namespace {

using Line = std::pair<std::uint64_t, std::string>;

struct AllLines {
  std::vector<Line> lines;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> too_long;
  std::size_t batches = 0;
};

AllLines read_all(const std::string& text, std::size_t block_bytes, LineReader::Options options) {
  const TestFolder folder;
  auto input = Input::open(folder.write("text", text));
  LineReader reader(std::move(*input), std::make_shared<BlockStore>(block_bytes), options);
  AllLines all;
  for (bool end = false; !end;) {
    const auto lines = reader.read();
    for (const auto& event : lines.events) all.lines.emplace_back(event.position(), event.text());
    for (const auto& line : lines.too_long) all.too_long.emplace_back(line.number, line.bytes);
    if (!lines.events.empty()) ++all.batches;
    end = lines.end;
  }
  return all;
}

// The same cutting, plainly written.
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
    } else if (!line.empty()) {
      all.lines.emplace_back(number, line);
    }
  }
  return all;
}

TEST(LineReader, CutsRandomTextsAsAPlainReaderDoesWhateverTheBlockSize) {
  std::mt19937 random(7);  // NOLINT(bugprone-random-generator-seed): the same texts each time
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (auto lines = random() % 20; lines > 0; --lines) {
      text.append(random() % 4 == 0 ? random() % 120 : random() % 12,
                  static_cast<char>('a' + lines));
      if (lines > 1 || random() % 2 == 0) text += '\n';
    }
    const std::size_t block = 1 + random() % 40;
    const std::size_t limit = 1 + random() % 100;
    const auto fill =
        random() % 2 == 0 ? LineReader::Fill::whole_block : LineReader::Fill::what_has_arrived;
    const auto expected = expected_of(text, limit);
    const auto actual = read_all(text, block, {.fill = fill, .line_limit = limit});
    ASSERT_EQ(actual.lines, expected.lines) << text << "\nblock " << block << " limit " << limit;
    ASSERT_EQ(actual.too_long, expected.too_long)
        << text << "\nblock " << block << " limit " << limit;
  }
}

TEST(LineReader, HandsOverABlockAtATime) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "0123456\n";

  const auto all = read_all(text, 80, {.line_limit = 100});

  EXPECT_EQ(all.lines.size(), 100U);
  EXPECT_EQ(all.batches, 10U);
}

TEST(LineReader, LeavesRoomBehindTheLastByteForTheParser) {
  const TestFolder folder;
  auto input = Input::open(folder.write("text", R"({"a":1})"));
  LineReader reader(std::move(*input), std::make_shared<BlockStore>(7), {.line_limit = 100});

  auto lines = reader.read();
  while (lines.events.empty() && !lines.end) lines = reader.read();

  ASSERT_EQ(lines.events.size(), 1U);
  // The address sanitizer watches this.
  volatile char last = lines.events.front().text().data()[7 + kTextPadding - 1];
  (void)last;
}

TEST(LineReader, GivesALongLineABlockOfItsSizeAndThenGoesBackToTheUsualOne) {
  const std::string text = std::string(1000, 'x') + "\na\nb\n";

  const auto all = read_all(text, 16, {.line_limit = 2000});

  const std::vector<Line> expected{{1, std::string(1000, 'x')}, {2, "a"}, {3, "b"}};
  EXPECT_EQ(all.lines, expected);
}

TEST(BlockStore, UsesABlockAgainOnceItIsLetGo) {
  const auto store = std::make_shared<BlockStore>(64);
  auto block = store->take(64);
  const auto* const place = block.get();

  block.reset();

  EXPECT_EQ(store->take(64).get(), place);
}

TEST(BlockStore, IsOutlivedByItsBlocks) {
  auto store = std::make_shared<BlockStore>(64);
  auto block = store->take(64);

  store.reset();
  block->text[63] = 'x';
  block.reset();
}

}  // namespace
}  // namespace millrace::jsonl
