// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace::messaging {

/// The key by which a chunk of a message is known.
inline constexpr std::string_view kChunkMark = "_message_chunked_uuid";

/// Cuts a text that is too long for one message into chunks: JSON objects that a ChunkAssembler,
/// and the programs that know this format, put together again. `uuid` names the message.
/// A chunk holds at most 7168 characters of the text and is at most `most_bytes` long as JSON.
std::vector<std::string> cut_into_chunks(std::string_view text, std::string_view uuid,
                                         std::size_t most_bytes);

/// What may wait for the rest of its message.
struct ChunkLimits {
  std::size_t messages = 64;
  std::size_t message_bytes = std::size_t{16} << 20;
  std::size_t all_bytes = std::size_t{64} << 20;
  Duration age = std::chrono::minutes(5);  ///< since its first chunk
};

/// Puts chunked messages together. Chunks of a message are taken in the order in which they come,
/// whatever their numbers say; those of several messages may alternate.
class ChunkAssembler {
 public:
  explicit ChunkAssembler(ChunkLimits limits = {}) : limits_(limits) {}

  /// The whole text when `chunk` was the last of its message. Errors: invalid_event for what is no
  /// chunk, and for a message that is too long or is not what its hash says; it is dropped.
  Result<std::optional<std::string>> add(const Object& chunk, Instant now);

  /// Drops what has waited too long.
  void expire(Instant now);
  /// Drops everything.
  void clear();
  /// Why messages were dropped since the last call, other than by an error of add().
  std::vector<Error> take_dropped() { return std::exchange(dropped_, {}); }
  std::size_t waiting() const { return messages_.size(); }

 private:
  struct Chunk;
  struct Message {
    std::string uuid;
    std::string hash;
    std::int64_t count = 0;
    std::int64_t length = 0;  ///< characters
    std::int64_t arrived = 0;
    std::string text;
    Instant since;
  };
  using Place = std::list<Message>::iterator;

  Place find_or_begin(const Chunk& chunk, Instant now);
  Result<std::optional<std::string>> conclude(Place message);
  void give_up(Place message, std::string_view why);
  std::string forget(Place message);

  const ChunkLimits limits_;
  std::list<Message> messages_;  ///< oldest first
  std::size_t bytes_ = 0;
  std::vector<Error> dropped_;
};

}  // namespace millrace::messaging
