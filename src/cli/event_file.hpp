// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/result.hpp"

namespace millrace::cli {

/// Events in a file: one JSON text, or one on each line.
struct EventFile {
  struct Entry {
    std::size_t line;  ///< of the file, from 1
    std::string_view text;
  };
  std::string content;  ///< with kTextPadding bytes behind it, so that moving keeps it in place
  std::vector<Entry> entries;
};

/// "-" is standard input. Errors: those of read_file(); not_found when there is no event in it.
Result<EventFile> read_events(const std::string& file);

}  // namespace millrace::cli
