// SPDX-License-Identifier: Apache-2.0
#include "watched_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "millrace/base/text.hpp"

namespace millrace::watchdog {

std::string join_path(std::string_view directory, std::string_view name) {
  return fmt::format("{}{}{}", directory, directory.ends_with('/') ? "" : "/", name);
}

std::string parent_path(std::string_view path) {
  const auto head = path.substr(0, path.rfind('/') + 1);
  const auto last = head.find_last_not_of('/');
  return std::string(last == std::string_view::npos ? head : head.substr(0, last + 1));
}

std::string path_of(const WatchedDirectory& directory) {
  std::vector<const WatchedDirectory*> way;
  for (const auto* at = &directory; at != nullptr; at = at->parent) way.push_back(at);
  std::string path = way.back()->name;
  way.pop_back();
  for (; !way.empty(); way.pop_back()) {
    if (!path.ends_with('/')) path += '/';
    path += way.back()->name;
  }
  return path;
}

Result<Listing> list_directory(const std::string& path) {
  namespace fs = std::filesystem;
  Listing listing;
  std::error_code error;
  std::error_code ignored;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    const bool is_directory = at->symlink_status(ignored).type() == fs::file_type::directory;
    listing.emplace_back(at->path().filename().native(),
                         is_directory ? Kind::directory : Kind::file);
  }
  if (error) return fail_errno(error.value(), fmt::format("cannot list {}", printable(path)));
  std::ranges::sort(listing, [](const auto& a, const auto& b) {
    if (a.second != b.second) return a.second == Kind::directory;
    return a.first < b.first;
  });
  return listing;
}

}  // namespace millrace::watchdog
