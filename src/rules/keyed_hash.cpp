// SPDX-License-Identifier: Apache-2.0
#include "keyed_hash.hpp"

#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace::rules {
namespace {

std::uint64_t hash_of(std::uint64_t content, Slot::Kind kind, std::uint64_t key) {
  const std::uint64_t parts[] = {content, static_cast<std::uint64_t>(kind)};
  return XXH3_64bits_withSeed(parts, sizeof(parts), key);
}

}  // namespace

std::uint64_t keyed_hash(std::string_view text, std::uint64_t key) {
  return XXH3_64bits_withSeed(text.data(), text.size(), key);
}

std::uint64_t keyed_hash(const Slot& slot, std::uint64_t key) {
  switch (slot.kind) {
    case Slot::Kind::string:
      return keyed_hash(slot.string(), key);
    case Slot::Kind::boolean:
      return hash_of(slot.boolean ? 1 : 0, slot.kind, key);
    case Slot::Kind::integer:
    case Slot::Kind::unsigned_integer:
      return hash_of(slot.unsigned_integer, slot.kind, key);
    case Slot::Kind::number:
      // -0.0 is 0.0
      return hash_of(std::bit_cast<std::uint64_t>(slot.number == 0 ? 0.0 : slot.number), slot.kind,
                     key);
    case Slot::Kind::list:
      return hash_of(slot.container->get_array().size(), slot.kind, key);
    case Slot::Kind::object:
      return hash_of(slot.container->get_object().size(), slot.kind, key);
    default:
      return hash_of(0, slot.kind, key);
  }
}

}  // namespace millrace::rules
