// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "file_change.hpp"
#include "millrace/base/result.hpp"

namespace millrace::watchdog {

struct WatchedDirectory;

/// A name in a directory, as far as it is known.
struct Entry {
  enum class State {
    found,     ///< was there at the start; nothing was told of it
    reported,  ///< its creation was told
    missed,    ///< its deletion was told although the system did not: it may do so yet
  };
  Kind kind = Kind::file;
  State state = State::found;
  std::unique_ptr<WatchedDirectory> directory;  ///< if it is one, and below is watched too
};

/// A directory and the names in it.
struct WatchedDirectory {
  std::string name;  ///< of the root: its path, as it was given
  WatchedDirectory* parent = nullptr;
  int watch = -1;
  std::map<std::string, Entry, std::less<>> entries;
};

/// As Python joins and cuts paths: rules compare with its results.
std::string join_path(std::string_view directory, std::string_view name);
std::string parent_path(std::string_view path);

std::string path_of(const WatchedDirectory& directory);

using Listing = std::vector<std::pair<std::string, Kind>>;

/// Directories first, each kind by name; links are files. Errors: not_found, permission_denied, io.
Result<Listing> list_directory(const std::string& path);

}  // namespace millrace::watchdog
