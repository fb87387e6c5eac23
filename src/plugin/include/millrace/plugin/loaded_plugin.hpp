// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/plugin/registry.hpp"

namespace millrace {

/// What a plugin that was loaded brings, before anything of it is registered: so that a plugin
/// which fails half-way leaves nothing behind. Its descriptors keep the plugin itself alive.
struct LoadedPlugin {
  std::string name;
  std::string version;
  std::string summary;
  std::filesystem::path file;

  std::vector<SourceDescriptor> sources;
  std::vector<FilterDescriptor> filters;
  std::vector<ActionDescriptor> actions;
  std::vector<std::pair<ServiceKind, ServiceDescriptor>> services;
  std::vector<NamedPattern> patterns;

  Object configuration;  ///< as the plugin has left it
  /// Work that it has put off: to be run, in order, when the main loop has begun.
  std::vector<std::function<void()>> deferred;
};

/// Registers all that the plugin brings, and takes it from there. Errors: already_exists when
/// another foreign plugin has one of its names; then nothing is registered.
Result<> register_plugin(LoadedPlugin& plugin, Registry& registry);

}  // namespace millrace
