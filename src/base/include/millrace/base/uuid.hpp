// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>

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

}  // namespace millrace
