// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/chunked_message.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace::messaging {
namespace {

constexpr std::string_view kCount = "_message_chunk_count";
constexpr std::string_view kSequence = "_message_chunk_sequence";
constexpr std::string_view kText = "_chunk";
constexpr std::string_view kLength = "_message_length";
constexpr std::string_view kHash = "_message_xx_hash";
constexpr std::size_t kChunkCharacters = 7168;
constexpr std::size_t kMostUuid = 256;

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

std::int64_t characters(std::string_view text) {
  return std::ranges::count_if(text, begins_character);
}

std::string hash_of(std::string_view text) {
  return fmt::format("{:08x}", XXH32(text.data(), text.size(), 0));
}

// How long a byte of the text is within a JSON string, at the most.
std::size_t escaped_size(char byte) {
  if (byte == '"' || byte == '\\') return 2;
  return static_cast<unsigned char>(byte) < 0x20 ? 6 : 1;
}

// The bytes of the next chunk: whole characters.
std::size_t next_cut(std::string_view text, std::size_t most_bytes) {
  std::size_t size = 0;
  std::size_t count = 0;
  std::size_t cut = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (begins_character(text[i])) {
      cut = i;
      if (count++ == kChunkCharacters) return cut;
    }
    size += escaped_size(text[i]);
    if (size > most_bytes && cut > 0) return cut;
  }
  return text.size();
}

Result<std::string_view> text_of(const Object& chunk, std::string_view key) {
  const auto* value = chunk.if_contains(key);
  if (value == nullptr)
    return fail(Errc::invalid_event, "Chunked payload is missing required {}", key);
  if (!value->is_string())
    return fail(Errc::invalid_event, "chunked payload: {} must be a string", key);
  return view(value->get_string());
}

Result<std::int64_t> number_of(const Object& chunk, std::string_view key) {
  const auto* value = chunk.if_contains(key);
  if (value == nullptr)
    return fail(Errc::invalid_event, "Chunked payload is missing required {}", key);
  if (!value->is_int64() || value->get_int64() < 0)
    return fail(Errc::invalid_event, "chunked payload: {} must be a whole number", key);
  return value->get_int64();
}

}  // namespace

std::vector<std::string> cut_into_chunks(std::string_view text, std::string_view uuid,
                                         std::size_t most_bytes) {
  const auto length = characters(text);
  const auto hash = hash_of(text);
  const auto envelope = [&](std::string_view part, std::size_t count, std::size_t sequence) {
    return to_json(Value(Object{{kChunkMark, uuid},
                                {kCount, count},
                                {kSequence, sequence},
                                {kText, part},
                                {kLength, length},
                                {kHash, hash}}));
  };
  // No number is longer than the size of the text.
  const auto room = most_bytes - envelope("", text.size(), text.size()).size();
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto cut = next_cut(text, room);
    parts.push_back(text.substr(0, cut));
    text.remove_prefix(cut);
  }
  std::vector<std::string> chunks;
  chunks.reserve(parts.size());
  for (const auto& part : parts) chunks.push_back(envelope(part, parts.size(), chunks.size() + 1));
  return chunks;
}

struct ChunkAssembler::Chunk {
  std::string_view uuid;
  std::int64_t count = 0;
  std::string_view text;
  std::int64_t length = 0;
  std::string_view hash;

  static Result<Chunk> read(const Object& object) {
    const auto uuid = text_of(object, kChunkMark);
    if (!uuid) return uuid.error();
    const auto count = number_of(object, kCount);
    if (!count) return count.error();
    const auto sequence = number_of(object, kSequence);
    if (!sequence) return sequence.error();
    const auto text = text_of(object, kText);
    if (!text) return text.error();
    const auto length = number_of(object, kLength);
    if (!length) return length.error();
    const auto hash = text_of(object, kHash);
    if (!hash) return hash.error();
    if (uuid->size() > kMostUuid || hash->size() > kMostUuid)
      return fail(Errc::invalid_event, "chunked payload: its names are too long");
    return Chunk{*uuid, *count, *text, *length, *hash};
  }
};

Result<std::optional<std::string>> ChunkAssembler::add(const Object& object, Instant now) {
  expire(now);
  const auto chunk = Chunk::read(object);
  if (!chunk) return chunk.error();
  const auto message = find_or_begin(*chunk, now);
  message->text += chunk->text;
  ++message->arrived;
  bytes_ += chunk->text.size();
  if (message->text.size() > limits_.message_bytes) {
    const auto text = forget(message);
    return fail(Errc::invalid_event, "chunked message {} is larger than {}", printable(chunk->uuid),
                human_bytes(static_cast<double>(limits_.message_bytes)));
  }
  auto whole = conclude(message);
  while (bytes_ > limits_.all_bytes)
    give_up(messages_.begin(), "too much waits for the rest of its message");
  return whole;
}

ChunkAssembler::Place ChunkAssembler::find_or_begin(const Chunk& chunk, Instant now) {
  const auto found = std::ranges::find(messages_, chunk.uuid, &Message::uuid);
  if (found != messages_.end()) return found;
  if (messages_.size() >= limits_.messages)
    give_up(messages_.begin(), "too many wait for their rest");
  messages_.push_back({.uuid = std::string(chunk.uuid),
                       .hash = std::string(chunk.hash),
                       .count = chunk.count,
                       .length = chunk.length,
                       .since = now});
  return std::prev(messages_.end());
}

// Known senders announce one chunk too many when the last one is full: the length tells, too.
Result<std::optional<std::string>> ChunkAssembler::conclude(Place message) {
  const bool is_last = message->arrived >= message->count;
  const bool may_be_last =
      message->arrived + 1 == message->count && characters(message->text) == message->length;
  if (!is_last && !may_be_last) return std::nullopt;
  const bool is_right = hash_of(message->text) == message->hash;
  if (!is_last && !is_right) return std::nullopt;
  const auto uuid = message->uuid;
  auto text = forget(message);
  if (!is_right)
    return fail(Errc::invalid_event, "chunked message {} is not what its hash says",
                printable(uuid));
  return text;
}

void ChunkAssembler::expire(Instant now) {
  while (!messages_.empty() && now - messages_.front().since >= limits_.age)
    give_up(messages_.begin(), "its rest has not come");
}

void ChunkAssembler::clear() {
  while (!messages_.empty()) give_up(messages_.begin(), "the connection is lost");
}

void ChunkAssembler::give_up(Place message, std::string_view why) {
  dropped_.push_back(fail(Errc::invalid_event, "chunked message {} is dropped, {} of {} chunks: {}",
                          printable(message->uuid), message->arrived, message->count, why));
  forget(message);
}

std::string ChunkAssembler::forget(Place message) {
  auto text = std::move(message->text);
  bytes_ -= text.size();
  messages_.erase(message);
  return text;
}

}  // namespace millrace::messaging
