// SPDX-License-Identifier: Apache-2.0
#include "plugin_world.hpp"

#include <memory>
#include <utility>

#include "plugin_catalogue.hpp"

namespace millrace::cli {

daemon::PluginOptions plugin_options(const PluginArguments& arguments) {
  daemon::PluginOptions options;
  options.paths = plugin_paths(arguments);
  options.python.interpreter = arguments.python;
  return options;
}

LoadPlugin plugin_loader(const PluginArguments& arguments) {
  struct World {
    explicit World(const PluginArguments& plugins)
        : world(plugins, daemon::load_configuration(plugins.configuration_file, faults),
                variables) {}
    Diagnostics faults;  // `check` and `run` tell them
    const Object variables;
    PluginWorld world;
  };
  // Shared because a std::function is copied.
  auto world = std::make_shared<std::unique_ptr<World>>();
  return [arguments, world](const PluginFile& plugin) {
    if (*world == nullptr) *world = std::make_unique<World>(arguments);
    return (*world)->world.plugins.load_file(plugin);
  };
}

}  // namespace millrace::cli
