// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/plugin/discovery.hpp"

namespace millrace {

/// `ns.coll.plugin` in its parts: nothing if the name has another form.
struct CollectionName {
  std::string collection;  ///< ns.coll
  std::string plugin;
};
std::optional<CollectionName> split_collection_name(std::string_view name);

/// Ansible collections that are installed where Ansible looks for them, told by the same variables
/// and configuration files; ansible-galaxy is not asked.
class Collections {
 public:
  explicit Collections(const PluginEnvironment& environment);

  /// Each may hold `ansible_collections/`.
  const std::vector<std::filesystem::path>& paths() const { return paths_; }
  const std::vector<Notice>& notices() const { return notices_; }

  /// `ns.coll`; of several the first.
  std::optional<std::filesystem::path> find(std::string_view collection) const;
  /// A file in the first of the folders that has it; `name` with its extension.
  std::optional<std::filesystem::path> find_file(std::string_view collection,
                                                 std::span<const std::string_view> folders,
                                                 const std::string& name) const;
  /// Names and folders of all that are installed, sorted.
  std::map<std::string, std::filesystem::path> all() const;

 private:
  std::vector<std::filesystem::path> paths_;
  std::vector<Notice> notices_;
};

/// Folders of a collection that hold sources or filters.
std::span<const std::string_view> collection_folders(PluginKind kind);

}  // namespace millrace
