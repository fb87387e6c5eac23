// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/uuid.hpp"

#include <sys/random.h>

#include <bit>
#include <random>

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
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::uint64_t high = (random() & ~0xf000ULL) | 0x4000ULL;
  const std::uint64_t low = (random() & ~(3ULL << 62)) | (2ULL << 62);
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

}  // namespace millrace
