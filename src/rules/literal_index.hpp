// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/event/event_reader.hpp"
#include "predicate.hpp"

namespace millrace::rules {

using PatternId = std::uint32_t;
using Patterns = std::vector<PatternId>;

/// Length and both ends, which are read without going through memory. The table holds the literals
/// of rules, so nobody outside can fill it with collisions.
struct TextHash {
  using is_transparent = void;
  template <class Word>
  static std::uint64_t word(const char* at) {
    Word value;
    std::memcpy(&value, at, sizeof(value));
    return value;
  }
  std::size_t operator()(std::string_view text) const {
    const char* const data = text.data();
    const auto size = text.size();
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    if (size >= sizeof(std::uint64_t)) {
      first = word<std::uint64_t>(data);
      last = word<std::uint64_t>(data + size - sizeof(std::uint64_t));
    } else if (size >= sizeof(std::uint32_t)) {
      first = word<std::uint32_t>(data);
      last = word<std::uint32_t>(data + size - sizeof(std::uint32_t));
    } else if (size > 0) {
      first = word<std::uint8_t>(data);
      last = word<std::uint8_t>(data + size / 2) << 8 | word<std::uint8_t>(data + size - 1);
    }
    return (first * 0x9e3779b97f4a7c15) ^ (std::rotl(last, 32) * 0xff51afd7ed558ccd) ^ size;
  }
};
struct NumberHash {
  std::size_t operator()(double number) const {
    return boost::hash_value(std::bit_cast<std::uint64_t>(number));
  }
};

/// Patterns by a literal that a value must equal. Numbers are looked up as doubles: the test itself
/// is exact.
class LiteralIndex {
 public:
  void insert(const Value& literal, PatternId pattern) {
    const Slot slot = Slot::of(literal);
    if (slot.is_string()) {
      texts_[std::string(slot.string())].push_back(pattern);
    } else if (slot.is_number()) {
      numbers_[key(as_double(slot))].push_back(pattern);
    } else if (slot.is_null()) {
      null_.push_back(pattern);
    } else {
      (slot.boolean ? true_ : false_).push_back(pattern);
    }
  }

  const Patterns* find(const Slot& slot) const {
    switch (slot.kind) {
      case Slot::Kind::string: {
        const auto found = texts_.find(slot.string());
        return found == texts_.end() ? nullptr : &found->second;
      }
      case Slot::Kind::integer:
      case Slot::Kind::unsigned_integer:
      case Slot::Kind::number: {
        const auto found = numbers_.find(key(as_double(slot)));
        return found == numbers_.end() ? nullptr : &found->second;
      }
      case Slot::Kind::null:
        return &null_;
      case Slot::Kind::boolean:
        return slot.boolean ? &true_ : &false_;
      default:
        return nullptr;
    }
  }

 private:
  static double key(double number) { return number == 0 ? 0.0 : number; }  // -0.0 is 0

  boost::unordered_flat_map<std::string, Patterns, TextHash, std::equal_to<>> texts_;
  boost::unordered_flat_map<double, Patterns, NumberHash> numbers_;
  Patterns null_;
  Patterns true_;
  Patterns false_;
};

/// Patterns by a threshold, kept so that those that a number passes stand at the front.
class ThresholdIndex {
 public:
  enum class Side { above, below };
  explicit ThresholdIndex(Side side) : side_(side) {}

  void insert(double threshold, PatternId pattern) {
    const double key = side_ == Side::above ? threshold : -threshold;
    const auto place = std::ranges::upper_bound(keys_, key);
    patterns_.insert(patterns_.begin() + (place - keys_.begin()), pattern);
    keys_.insert(place, key);
  }

  std::span<const PatternId> passed(double number) const {
    const double key = side_ == Side::above ? number : -number;
    const auto end = std::ranges::upper_bound(keys_, key);
    return {patterns_.data(), static_cast<std::size_t>(end - keys_.begin())};
  }

 private:
  const Side side_;
  std::vector<double> keys_;
  Patterns patterns_;
};

}  // namespace millrace::rules
