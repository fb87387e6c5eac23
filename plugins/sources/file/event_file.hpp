// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/diagnostic.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace::file {

/// What a file holds: the events, and what is wrong with it, ready to be logged.
struct FileContent {
  std::vector<Value> events;
  std::vector<std::string> problems;  ///< each names file and line
};

/// One object is one event, a list of objects one event each, nothing none. Entries that are no
/// objects are left out and reported; a text that is not YAML (nor JSON, which YAML includes) gives
/// no events.
FileContent parse_events(std::string_view text, const std::string& name);

/// Reads and parses; a file that does not exist has no events. Blocks.
FileContent read_events(const std::string& path);

}  // namespace millrace::file
