// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "millrace/plugin/discovery.hpp"

namespace millrace {

struct ConfiguredPaths {
  std::vector<std::filesystem::path> paths;  ///< absolute
  std::vector<Notice> notices;
};

/// Where Ansible is told to look for collections: ANSIBLE_COLLECTIONS_PATH, else the first
/// ansible.cfg that Ansible would read, else the usual places.
ConfiguredPaths configured_collection_paths(const PluginEnvironment& environment);

}  // namespace millrace
