// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

/// Makes random (version 4) UUIDs for naming events and runs. Not for secrets: the generator is
/// seeded once from the operating system, or with a given seed so that a test knows what comes. One
/// thread at a time.
class UuidGenerator {
 public:
  UuidGenerator();
  explicit UuidGenerator(std::uint64_t seed);

  /// "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx", lower case.
  std::string next();

 private:
  std::uint64_t random();
  std::array<std::uint64_t, 4> state_;
};

/// The namespace of object identifiers, of RFC 4122.
inline constexpr std::array<std::uint8_t, 16> kUuidNamespaceOid = {
    0x6b, 0xa7, 0xb8, 0x12, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

/// The UUID (version 5) of a name: the same for the same name.
std::string uuid_of_name(const std::array<std::uint8_t, 16>& name_space, std::string_view name);

/// Whether Python's uuid.UUID() takes the text: 32 hexadecimal digits, with hyphens anywhere, in
/// braces, or behind "urn:uuid:".
bool is_uuid(std::string_view text);

}  // namespace millrace
