// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/result.hpp"

namespace millrace::cli {

/// What `millrace plugin new` can begin: source, filter, action…
std::vector<std::string> plugin_kinds();

enum class PluginLanguage { cpp, python };

struct SkeletonFile {
  std::string name;
  std::string content;
};

/// The files of a plugin of that kind, which can be built and tested as they are. Errors:
/// invalid_settings for an unknown kind, or a name that cannot be one.
Result<std::vector<SkeletonFile>> plugin_skeleton(std::string_view kind, std::string_view name,
                                                  PluginLanguage language);

/// Writes them into a folder, which is made if need be. Errors: already_exists when one of them is
/// there: nothing is written then; io.
Result<> write_skeleton(const std::string& folder, std::span<const SkeletonFile> files);

}  // namespace millrace::cli
