// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/plugin_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace millrace::rules {
namespace {

constexpr std::string_view kFormerCollection = "ansible.eda.";
constexpr std::array<std::string_view, 3> kMovedSources = {"pg_listener", "generic", "range"};
// dashes_to_underscores moved too, but was never found under its new name: it keeps the old one.
constexpr std::array<std::string_view, 4> kMovedFilters = {"json_filter", "normalize_keys",
                                                           "insert_hosts_to_meta", "noop"};

}  // namespace

std::string canonical_plugin_name(PluginKind kind, std::string_view name) {
  if (!name.starts_with(kFormerCollection)) return std::string(name);
  const auto plugin = name.substr(kFormerCollection.size());
  const bool moved = kind == PluginKind::source
                         ? std::ranges::find(kMovedSources, plugin) != kMovedSources.end()
                         : std::ranges::find(kMovedFilters, plugin) != kMovedFilters.end();
  return moved ? fmt::format("eda.builtin.{}", plugin) : std::string(name);
}

}  // namespace millrace::rules
