// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "millrace/base/result.hpp"

namespace millrace::python {

/// What engine and host tell each other. The numbers are the protocol's.
enum class FrameType : std::uint8_t {
  configure = 1,
  load = 2,
  start = 3,
  credit = 4,
  cancel = 5,
  call = 6,
  settled = 7,
  answer = 8,
  compile = 9,
  render = 10,
  ping = 11,
  stop = 12,
  stop_call = 13,
  live = 14,

  hello = 65,
  loaded = 66,
  failed = 67,
  ended = 68,
  events = 69,
  refused = 70,
  result = 71,
  log = 72,
  request = 73,
  compiled = 74,
  rendered = 75,
  pong = 76,
  started = 77,
};

inline constexpr std::uint32_t kHostChannel = 0;
inline constexpr std::size_t kFrameHead = 9;  ///< u32 length, u8 type, u32 channel; little endian
inline constexpr std::size_t kLongestPayload = std::size_t{64} << 20;

struct Frame {
  FrameType type;
  std::uint32_t channel = 0;
  std::string_view payload;
};

void append_frame(std::string& out, FrameType type, std::uint32_t channel,
                  std::string_view payload);

std::string u32_text(std::uint32_t number);
std::string u64_text(std::uint64_t number);
std::uint64_t read_u64(std::string_view text);  ///< of its first eight bytes, little endian

/// Cuts what arrives into frames. Bytes stay where they were read to: whoever keeps memory() keeps
/// the payloads of all frames so far, with kTextPadding readable bytes behind each. A frame is
/// copied only when it does not fit behind what was read before it.
class FrameReader {
 public:
  /// Room for the next read: at least kLeastRead bytes.
  std::span<char> prepare();
  void commit(std::size_t bytes) { filled_ += bytes; }

  /// The next frame, or nothing until more was read. Errors: corrupt; what follows cannot be read.
  Result<std::optional<Frame>> next();
  /// Bytes of a frame that has begun.
  std::size_t rest() const { return filled_ - taken_; }
  const std::shared_ptr<const void>& memory() const { return memory_; }

  static constexpr std::size_t kLeastRead = std::size_t{64} << 10;

 private:
  void move_rest_to_new_chunk(std::size_t room);

  char* chunk_ = nullptr;               ///< of memory_
  std::shared_ptr<const void> memory_;  ///< shared with the batches whose texts lie in it
  std::size_t capacity_ = 0;            ///< without the padding behind
  std::size_t taken_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace millrace::python
