// SPDX-License-Identifier: Apache-2.0
#include "frames.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "millrace/event/event.hpp"

namespace millrace::python {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie");

constexpr std::size_t kChunk = std::size_t{256} << 10;

std::uint32_t read_u32(const char* from) {
  std::uint32_t number = 0;
  std::memcpy(&number, from, sizeof number);
  return number;
}

}  // namespace

std::string u32_text(std::uint32_t number) {
  return std::string(reinterpret_cast<const char*>(&number), sizeof number);
}

std::string u64_text(std::uint64_t number) {
  return std::string(reinterpret_cast<const char*>(&number), sizeof number);
}

std::uint64_t read_u64(std::string_view text) {
  std::uint64_t number = 0;
  std::memcpy(&number, text.data(), sizeof number);
  return number;
}

void append_frame(std::string& out, FrameType type, std::uint32_t channel,
                  std::string_view payload) {
  out += u32_text(static_cast<std::uint32_t>(payload.size()));
  out.push_back(static_cast<char>(type));
  out += u32_text(channel);
  out += payload;
}

std::span<char> FrameReader::prepare() {
  const bool shared = memory_.use_count() > 1;
  if (rest() == 0 && !shared && capacity_ == kChunk) taken_ = filled_ = 0;
  std::size_t needed = kFrameHead;
  if (rest() >= sizeof(std::uint32_t)) needed += read_u32(chunk_ + taken_);
  const auto missing = needed > rest() ? needed - rest() : 0;
  const auto wanted = std::max(missing, kLeastRead);
  if (capacity_ > kChunk && rest() == 0) {  // it was made for a long frame
    move_rest_to_new_chunk(kChunk);
  } else if (capacity_ - filled_ < wanted && !shared && capacity_ - rest() >= wanted) {
    std::memmove(chunk_, chunk_ + taken_, rest());
    filled_ -= std::exchange(taken_, 0);
  } else if (capacity_ - filled_ < wanted) {
    move_rest_to_new_chunk(std::max(kChunk, needed + kLeastRead));
  }
  return {chunk_ + filled_, capacity_ - filled_};
}

void FrameReader::move_rest_to_new_chunk(std::size_t room) {
  auto chunk = std::make_shared_for_overwrite<char[]>(room + kTextPadding);
  const auto kept = rest();
  if (kept > 0) std::memcpy(chunk.get(), chunk_ + taken_, kept);
  chunk_ = chunk.get();
  memory_ = std::move(chunk);
  capacity_ = room;
  taken_ = 0;
  filled_ = kept;
}

Result<std::optional<Frame>> FrameReader::next() {
  if (rest() < kFrameHead) return std::nullopt;
  const char* head = chunk_ + taken_;
  const std::size_t length = read_u32(head);
  if (length > kLongestPayload) {
    return fail(Errc::corrupt, "it sent a frame of {} bytes; the longest is {}", length,
                kLongestPayload);
  }
  if (rest() < kFrameHead + length) return std::nullopt;
  taken_ += kFrameHead + length;
  return Frame{.type = static_cast<FrameType>(head[4]),
               .channel = read_u32(head + 5),
               .payload = {head + kFrameHead, length}};
}

}  // namespace millrace::python
