// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "millrace/plugin/discovery.hpp"

namespace millrace {

/// A folder that is searched, and how it is called.
struct SearchedFolder {
  std::filesystem::path folder;
  std::string origin;
  bool must_exist = false;  ///< somebody named it
};

/// What lies in the folders and below them, a folder's files before its folders, each sorted by
/// name, so that the order is the same on every machine. Symbolic links are followed; a folder that
/// is reached twice is searched once.
PluginListing list_plugin_folders(const std::vector<SearchedFolder>& folders);

/// `*.py` of one folder, sorted, as sources or filters.
std::vector<PluginFile> list_python_files(const std::filesystem::path& folder, PluginKind kind,
                                          const std::string& origin);

/// What a Python file is by its text: nothing if it is no plugin. `kind` says what its folder is
/// for.
std::optional<PluginFile::Form> form_of_python(std::string_view text,
                                               std::optional<PluginKind> kind);
/// event_source, event_sources, event_filter, event_filters; nothing for other folders.
std::optional<PluginKind> kind_of_folder(const std::filesystem::path& folder);

}  // namespace millrace
