// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/uuid.hpp"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <random>
#include <span>

namespace millrace {
namespace {

// Spreads one seed over the state (SplitMix64, Steele, Lea and Flood 2014).
std::array<std::uint64_t, 4> spread(std::uint64_t seed) {
  std::array<std::uint64_t, 4> state{};
  for (auto& word : state) {
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    word = mixed ^ (mixed >> 31);
  }
  return state;
}

constexpr std::size_t kBlock = 64;
using Digest = std::array<std::uint32_t, 5>;

// One block of SHA-1 (FIPS 180-4).
void digest_block(Digest& digest, std::span<const std::uint8_t, kBlock> block) {
  std::array<std::uint32_t, 80> words{};
  for (std::size_t i = 0; i < kBlock; ++i)
    words.at(i / 4) |= static_cast<std::uint32_t>(block[i]) << (24 - 8 * (i % 4));
  for (std::size_t i = 16; i < words.size(); ++i)
    words.at(i) =
        std::rotl(words.at(i - 3) ^ words.at(i - 8) ^ words.at(i - 14) ^ words.at(i - 16), 1);
  auto [a, b, c, d, e] = digest;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::uint32_t mixed = 0;
    if (i < 20) {
      mixed = ((b & c) | (~b & d)) + 0x5a827999;
    } else if (i < 40) {
      mixed = (b ^ c ^ d) + 0x6ed9eba1;
    } else if (i < 60) {
      mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    } else {
      mixed = (b ^ c ^ d) + 0xca62c1d6;
    }
    mixed += std::rotl(a, 5) + e + words.at(i);
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = mixed;
  }
  const Digest sums{a, b, c, d, e};
  for (std::size_t i = 0; i < digest.size(); ++i) digest.at(i) += sums.at(i);
}

Digest sha1(std::string bytes) {
  const std::uint64_t bits = bytes.size() * 8;
  bytes.push_back('\x80');
  while (bytes.size() % kBlock != kBlock - 8) bytes.push_back('\0');
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(bits >> shift));
  Digest digest{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  for (std::size_t at = 0; at < bytes.size(); at += kBlock) {
    digest_block(digest, std::span<const std::uint8_t, kBlock>(
                             reinterpret_cast<const std::uint8_t*>(bytes.data()) + at, kBlock));
  }
  return digest;
}

std::string to_text(std::uint64_t high, std::uint64_t low) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(36, '-');
  std::size_t at = 0;
  for (const auto word : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) {
      if (at == 8 || at == 13 || at == 18 || at == 23) ++at;
      text[at++] = kDigits[(word >> shift) & 15];
    }
  }
  return text;
}

void remove_all(std::string& text, std::string_view part) {
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at))
    text.erase(at, part.size());
}

}  // namespace

UuidGenerator::UuidGenerator() : state_{} {
  const auto wanted = static_cast<ssize_t>(sizeof(state_));
  if (getrandom(state_.data(), sizeof(state_), 0) != wanted)
    state_ = spread(std::random_device{}());
}

UuidGenerator::UuidGenerator(std::uint64_t seed) : state_(spread(seed)) {}

// xoshiro256** (Blackman and Vigna 2018).
std::uint64_t UuidGenerator::random() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::string UuidGenerator::next() {
  const std::uint64_t high = (random() & ~0xf000ULL) | 0x4000ULL;
  const std::uint64_t low = (random() & ~(3ULL << 62)) | (2ULL << 62);
  return to_text(high, low);
}

std::string uuid_of_name(const std::array<std::uint8_t, 16>& name_space, std::string_view name) {
  std::string bytes(reinterpret_cast<const char*>(name_space.data()), name_space.size());
  const auto digest = sha1(bytes.append(name));
  const std::uint64_t high = std::uint64_t{digest[0]} << 32 | digest[1];
  const std::uint64_t low = std::uint64_t{digest[2]} << 32 | digest[3];
  return to_text((high & ~0xf000ULL) | 0x5000ULL, (low & ~(3ULL << 62)) | (2ULL << 62));
}

bool is_uuid(std::string_view given) {
  constexpr std::size_t kLongest = 100;
  constexpr std::size_t kDigits = 32;
  if (given.size() > kLongest) return false;
  std::string text(given);
  remove_all(text, "urn:");
  remove_all(text, "uuid:");
  text.erase(0, std::min(text.find_first_not_of("{}"), text.size()));
  text.erase(text.find_last_not_of("{}") + 1);
  std::erase(text, '-');
  return text.size() == kDigits &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

}  // namespace millrace
