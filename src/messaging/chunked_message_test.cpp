// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/chunked_message.hpp"

#include <gtest/gtest.h>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace::messaging {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRoom = 7999;
constexpr Instant kNow{};

Object object(const std::string& json) { return parse_json(json)->as_object(); }

// The text that comes out, or what is said.
std::string assemble(ChunkAssembler& assembler, const std::vector<std::string>& chunks) {
  for (const auto& chunk : chunks) {
    const auto whole = assembler.add(object(chunk), kNow);
    if (!whole) return "error: " + whole.error().message();
    if (*whole) return **whole;
  }
  return "nothing";
}

std::string long_text(std::size_t size, std::string_view pattern = "abcdefghij") {
  std::string text;
  while (text.size() < size) text += pattern;
  return text.substr(0, size);
}

TEST(ChunkedMessage, ComesOutAsItWentIn) {
  for (const auto& text : {long_text(7169), long_text(100'000), long_text(30'000, "\"\\\n"),
                           long_text(40'000, "äöü€𝄞"), std::string(20'000, '\x01')}) {
    // A character that was cut at the end of the pattern is no text.
    const auto whole = valid_utf8(text);
    ChunkAssembler assembler;
    const auto chunks = cut_into_chunks(whole, "u", kRoom);
    EXPECT_GT(chunks.size(), 1u);
    for (const auto& chunk : chunks) EXPECT_LE(chunk.size(), kRoom);
    EXPECT_EQ(assemble(assembler, chunks), whole);
    EXPECT_EQ(assembler.waiting(), 0u);
  }
}

TEST(ChunkedMessage, HasTheKnownForm) {
  const auto chunks = cut_into_chunks(std::string(7168, 'a') + "b", "some-uuid", kRoom);
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(object(chunks[1]), object(R"({"_message_chunked_uuid":"some-uuid",
    "_message_chunk_count":2,"_message_chunk_sequence":2,"_chunk":"b","_message_length":7169,
    "_message_xx_hash":"99d39056"})"))
      << chunks[1];
}

TEST(ChunkedMessage, MayAlternateWithOthers) {
  const auto one = cut_into_chunks(long_text(10'000), "1", kRoom);
  const auto two = cut_into_chunks(long_text(10'000, "xyz"), "2", kRoom);
  ChunkAssembler assembler;
  EXPECT_EQ(assemble(assembler, {one[0], two[0]}), "nothing");
  EXPECT_EQ(assemble(assembler, {one[1]}), long_text(10'000));
  EXPECT_EQ(assemble(assembler, {two[1]}), long_text(10'000, "xyz"));
}

// Known senders count length / 7168 + 1 chunks.
TEST(ChunkedMessage, IsWholeWhenOneChunkTooManyWasAnnounced) {
  const auto text = long_text(std::size_t{2} * 7168);
  std::vector<std::string> chunks;
  for (const auto& chunk : cut_into_chunks(text, "u", kRoom)) {
    auto changed = object(chunk);
    changed["_message_chunk_count"] = 3;
    chunks.push_back(to_json(Value(changed)));
  }
  ASSERT_EQ(chunks.size(), 2u);
  ChunkAssembler assembler;
  EXPECT_EQ(assemble(assembler, chunks), text);
}

TEST(ChunkedMessage, IsRefusedWithoutOneOfItsKeys) {
  const auto chunk = object(cut_into_chunks(long_text(10'000), "u", kRoom)[0]);
  for (const auto& entry : chunk) {
    auto less = chunk;
    less.erase(entry.key());
    ChunkAssembler assembler;
    EXPECT_EQ(assemble(assembler, {to_json(Value(less))}),
              "error: Chunked payload is missing required " + std::string(entry.key()));
  }
}

TEST(ChunkedMessage, IsRefusedWhenAKeyIsOfAnotherKind) {
  auto chunk = object(cut_into_chunks(long_text(10'000), "u", kRoom)[0]);
  chunk["_message_chunk_count"] = "two";
  ChunkAssembler assembler;
  EXPECT_EQ(assemble(assembler, {to_json(Value(chunk))}),
            "error: chunked payload: _message_chunk_count must be a whole number");
}

TEST(ChunkedMessage, IsRefusedWhenItsHashIsAnother) {
  auto chunks = cut_into_chunks(long_text(10'000), "u", kRoom);
  auto last = object(chunks[1]);
  last["_chunk"] = "something else";
  chunks[1] = to_json(Value(last));
  ChunkAssembler assembler;
  EXPECT_EQ(assemble(assembler, chunks), "error: chunked message u is not what its hash says");
  EXPECT_EQ(assembler.waiting(), 0u);
}

TEST(ChunkedMessage, IsDroppedWhenItsRestDoesNotCome) {
  ChunkAssembler assembler({.age = 60s});
  assemble(assembler, {cut_into_chunks(long_text(10'000), "u", kRoom)[0]});
  assembler.expire(kNow + 59s);
  EXPECT_EQ(assembler.waiting(), 1u);
  assembler.expire(kNow + 60s);
  EXPECT_EQ(assembler.waiting(), 0u);
  const auto dropped = assembler.take_dropped();
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_EQ(dropped[0].message(),
            "chunked message u is dropped, 1 of 2 chunks: its rest has not come");
  EXPECT_TRUE(assembler.take_dropped().empty());
}

TEST(ChunkedMessage, TakesNoMoreMemoryThanItMay) {
  ChunkAssembler few({.messages = 2});
  for (const auto* uuid : {"1", "2", "3"})
    assemble(few, {cut_into_chunks(long_text(10'000), uuid, kRoom)[0]});
  EXPECT_EQ(few.waiting(), 2u);
  EXPECT_EQ(few.take_dropped().size(), 1u);

  ChunkAssembler small({.all_bytes = 20'000});
  for (const auto* uuid : {"1", "2", "3"})
    assemble(small, {cut_into_chunks(long_text(10'000), uuid, kRoom)[0]});
  EXPECT_EQ(small.waiting(), 2u);

  ChunkAssembler shorter({.message_bytes = 10'000});
  EXPECT_EQ(assemble(shorter, cut_into_chunks(long_text(100'000), "u", kRoom)),
            "error: chunked message u is larger than 10.0 kB");
  EXPECT_EQ(shorter.waiting(), 0u);
}

TEST(ChunkedMessage, IsForgottenWithTheConnection) {
  ChunkAssembler assembler;
  const auto chunks = cut_into_chunks(long_text(10'000), "u", kRoom);
  assemble(assembler, {chunks[0]});
  assembler.clear();
  EXPECT_EQ(assemble(assembler, {chunks[1]}), "nothing");
  EXPECT_EQ(assembler.take_dropped().size(), 1u);
}

}  // namespace
}  // namespace millrace::messaging
