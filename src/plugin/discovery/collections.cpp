// SPDX-License-Identifier: Apache-2.0
#include "collections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <system_error>
#include <utility>

#include "ansible_configuration.hpp"
#include "millrace/base/text.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kSourceFolders = {"extensions/eda/plugins/event_source",
                                                            "extensions/eda/plugins/event_sources",
                                                            "plugins/event_source"};
constexpr std::array<std::string_view, 3> kFilterFolders = {"extensions/eda/plugins/event_filter",
                                                            "extensions/eda/plugins/event_filters",
                                                            "plugins/event_filter"};
constexpr auto* kFolder = "ansible_collections";

bool is_identifier(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  });
}

// Folders of a path, sorted.
std::vector<fs::path> folders_in(const fs::path& path) {
  std::vector<fs::path> folders;
  std::error_code error;
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (is_identifier(entry->path().filename().string()) && entry->is_directory(ignored))
      folders.push_back(entry->path());
  }
  std::ranges::sort(folders);
  return folders;
}

// Where packages of Python lie, without asking one: the system's, the user's, a virtual
// environment's.
std::vector<fs::path> site_packages(const PluginEnvironment& environment) {
  std::vector<fs::path> out = {environment.root / "usr/lib/python3/dist-packages"};
  std::vector<fs::path> prefixes = {environment.root / "usr/local", environment.root / "usr"};
  if (!environment.home.empty()) prefixes.insert(prefixes.begin(), environment.home / ".local");
  if (const auto active = environment.variable("VIRTUAL_ENV"); active && !active->empty())
    prefixes.insert(prefixes.begin(), *active);
  for (const auto& prefix : prefixes) {
    std::error_code error;
    std::vector<fs::path> versions;
    fs::directory_iterator entry(prefix / "lib", error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      if (entry->path().filename().string().starts_with("python3."))
        versions.push_back(entry->path());
    }
    std::ranges::sort(versions);
    for (const auto& version : versions) {
      out.push_back(version / "site-packages");
      out.push_back(version / "dist-packages");
    }
  }
  return out;
}

}  // namespace

std::optional<CollectionName> split_collection_name(std::string_view name) {
  const auto parts = split(name, '.');
  if (parts.size() != 3 || !std::ranges::all_of(parts, is_identifier)) return std::nullopt;
  return CollectionName{fmt::format("{}.{}", parts[0], parts[1]), std::string(parts[2])};
}

std::span<const std::string_view> collection_folders(PluginKind kind) {
  return kind == PluginKind::source ? kSourceFolders : kFilterFolders;
}

Collections::Collections(const PluginEnvironment& environment) {
  auto configured = configured_collection_paths(environment);
  notices_ = std::move(configured.notices);
  auto paths = std::move(configured.paths);
  std::ranges::move(site_packages(environment), std::back_inserter(paths));
  for (auto& path : paths) {
    // Ansible takes both the folder and the one above it.
    if (path.filename() == kFolder) path = path.parent_path();
    if (std::ranges::find(paths_, path) == paths_.end()) paths_.push_back(std::move(path));
  }
}

std::optional<fs::path> Collections::find(std::string_view collection) const {
  const auto parts = split(collection, '.');
  if (parts.size() != 2 || !std::ranges::all_of(parts, is_identifier)) return std::nullopt;
  for (const auto& path : paths_) {
    std::error_code ignored;
    auto folder = path / kFolder / parts[0] / parts[1];
    if (fs::is_directory(folder, ignored)) return folder;
  }
  return std::nullopt;
}

std::optional<fs::path> Collections::find_file(std::string_view collection,
                                               std::span<const std::string_view> folders,
                                               const std::string& name) const {
  const auto folder = find(collection);
  if (!folder) return std::nullopt;
  for (const auto below : folders) {
    std::error_code ignored;
    auto file = *folder / below / name;
    if (fs::is_regular_file(file, ignored)) return file;
  }
  return std::nullopt;
}

std::map<std::string, fs::path> Collections::all() const {
  std::map<std::string, fs::path> out;
  for (const auto& path : paths_) {
    for (const auto& space : folders_in(path / kFolder)) {
      for (auto& collection : folders_in(space)) {
        auto name = fmt::format("{}.{}", space.filename().string(), collection.filename().string());
        out.emplace(std::move(name), std::move(collection));
      }
    }
  }
  return out;
}

}  // namespace millrace
