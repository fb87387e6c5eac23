// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace millrace::watchdog {

enum class What : std::uint8_t { created, modified, deleted, moved };
enum class Kind : std::uint8_t { file, directory };

/// A change as rules are told of it. The paths are valid UTF-8.
struct FileChange {
  What what = What::modified;
  Kind kind = Kind::file;
  std::string path;
  std::string target;  ///< where it was moved to

  friend bool operator==(const FileChange&, const FileChange&) = default;
};

}  // namespace millrace::watchdog
