// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/event/path.hpp"
#include "millrace/event/value.hpp"

namespace millrace::rules {

/// Names of keys, each below the one it belongs to. Lists are looked through, as dotted keys do.
struct NameTree {
  std::map<std::string, std::unique_ptr<NameTree>, std::less<>> below;
  std::size_t mentions = 0;     ///< of paths that lead here or through here
  std::set<std::size_t> users;  ///< the rules that mention it

  const NameTree* find(std::string_view name) const;
  /// Makes it where it is missing.
  NameTree& get(std::string_view name);
};

/// Adds the keys of a value, at most `room` new ones; returns how many.
std::size_t add_names(const Value& value, NameTree& tree, std::size_t room);

/// The keys of a path; indices are left out.
std::vector<std::string_view> names_of(const Path& path);
/// The path with its n-th key called otherwise.
Path renamed(const Path& path, std::size_t n, const std::string& name);

/// The one of `others` that `name` is a slip of the keyboard from, by at most `most` characters.
/// Short names, and names that differ in digits only, are held to be meant.
std::optional<std::string> slip_of(std::string_view name, const std::vector<std::string>& others,
                                   std::size_t most);

}  // namespace millrace::rules
