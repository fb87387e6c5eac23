// SPDX-License-Identifier: Apache-2.0
#include "input.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "jsonl_test_files.hpp"

namespace millrace::jsonl {
namespace {

struct Outcome {
  std::string text;
  std::string problem;
};

Outcome read_all(const std::string& content, std::size_t piece_bytes = 1000) {
  const TestFolder folder;
  auto input = Input::open(folder.write("file", content));
  Outcome outcome;
  std::string buffer(piece_bytes, '\0');
  while (true) {
    const auto piece = (*input)->read(buffer);
    if (!piece) {
      outcome.problem = piece.error().message().substr(folder.path("").size());
      return outcome;
    }
    outcome.text.append(buffer, 0, piece->bytes);
    if (piece->end) return outcome;
  }
}

// Half random, so that it neither packs to nothing nor stays as it is.
std::string long_text(std::size_t bytes) {
  std::mt19937 random(5);  // NOLINT(bugprone-random-generator-seed): the same text each time
  std::string text;
  while (text.size() < bytes) text += "line " + std::to_string(random()) + '\n';
  return text;
}

TEST(Input, UnpacksByWhatTheFileHoldsNotByItsName) {
  const auto text = long_text(3'000'000);

  EXPECT_EQ(read_all(text).text, text);
  EXPECT_EQ(read_all(gzip(text)).text, text);
  EXPECT_EQ(read_all(zstd(text)).text, text);
}

TEST(Input, UnpacksIntoPiecesOfAnySize) {
  const auto text = long_text(20'000);

  for (const std::size_t piece : {1U, 7U, 100'000U}) {
    EXPECT_EQ(read_all(text, piece).text, text);
    EXPECT_EQ(read_all(gzip(text), piece).text, text);
    EXPECT_EQ(read_all(zstd(text), piece).text, text);
  }
}

TEST(Input, ReadsStreamsThatWereJoined) {
  EXPECT_EQ(read_all(gzip("one ") + gzip("") + gzip("two")).text, "one two");
  EXPECT_EQ(read_all(zstd("one ") + zstd("") + zstd("two")).text, "one two");
  EXPECT_EQ(read_all(gzip("padded") + std::string(512, '\0')).text, "padded");
  const std::string skipped("\x5d\x2a\x4d\x18\x03\0\0\0abc", 11);
  EXPECT_EQ(read_all(skipped + zstd("behind")).text, "behind");
}

TEST(Input, TakesShortAndEmptyFilesAsPlain) {
  for (const std::string text : {"", "\x1f", "\x28\xb5", "{", "ab"})
    EXPECT_EQ(read_all(text).text, text);
}

TEST(Input, GivesWhatComesBeforeAFault) {
  const auto text = long_text(2'000'000);

  auto cut = gzip(text);
  cut.resize(cut.size() / 2);
  auto outcome = read_all(cut);
  EXPECT_EQ(outcome.problem, "file is cut short: its gzip stream has no end");
  EXPECT_GT(outcome.text.size(), 500'000U);
  EXPECT_TRUE(text.starts_with(outcome.text));

  cut = zstd(text);
  cut.resize(cut.size() / 2);
  outcome = read_all(cut);
  EXPECT_EQ(outcome.problem, "file is cut short: its zstd stream has no end");
  EXPECT_GT(outcome.text.size(), 500'000U);
  EXPECT_TRUE(text.starts_with(outcome.text));
}

TEST(Input, SaysWhatIsWrongWithADamagedFile) {
  const auto text = long_text(2'000'000);

  auto damaged = gzip(text);
  damaged[damaged.size() - 6] ^= 1;  // of the checksum
  auto outcome = read_all(damaged);
  EXPECT_EQ(outcome.problem, "file is not a sound gzip file: incorrect data check");
  EXPECT_EQ(outcome.text, text);

  damaged = zstd(text);
  for (auto at = damaged.size() / 2; at < damaged.size() / 2 + 1000; ++at) damaged[at] = '\xff';
  outcome = read_all(damaged, 3'000'000);
  EXPECT_TRUE(outcome.problem.starts_with("file is not a sound zstd file: ")) << outcome.problem;
  EXPECT_GT(outcome.text.size(), 500'000U);

  EXPECT_EQ(read_all(gzip("text") + "{}").problem,
            "file is not a sound gzip file: bytes that are not gzip follow its end");
}

TEST(Input, NamesTheFileThatCannotBeRead) {
  const TestFolder folder;

  const auto missing = Input::open(folder.path("missing"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Errc::not_found);
  EXPECT_NE(missing.error().message().find(folder.path("missing")), std::string::npos);

  std::string buffer(10, '\0');
  auto directory = Input::open(folder.path("."));
  const auto read = (*directory)->read(buffer);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), Errc::io);
}

}  // namespace
}  // namespace millrace::jsonl
