// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collections.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/yaml.hpp"
#include "millrace/plugin/discovery.hpp"

namespace millrace {

/// Where names of plugins lead today: what has moved into the program, and what collections say of
/// their own plugins in extensions/eda/eda_runtime.yml. Texts are the original's.
class PluginRouting {
 public:
  explicit PluginRouting(const Collections& collections) : collections_(collections) {}

  /// The name at the end. Errors: not_found for what was removed; invalid_settings for a routing
  /// file that is wrong, a circle, more than ten steps. Notices come with errors, too.
  Result<std::string> follow(std::string_view name, PluginKind kind, std::vector<Notice>& notices);

 private:
  /// What the routing file of the name's collection says of it; nullptr: nothing.
  Result<const YamlNode*> entry_of(std::string_view name, PluginKind kind);
  Result<const YamlNode*> file_of(const std::string& collection);

  const Collections& collections_;
  std::map<std::string, Result<std::unique_ptr<YamlNode>>, std::less<>> files_;  // by collection
};

}  // namespace millrace
