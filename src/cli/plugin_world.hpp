// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "commands.hpp"
#include "millrace/base/clock.hpp"
#include "millrace/base/log.hpp"
#include "millrace/daemon/plugins.hpp"
#include "millrace/loop/main_loop.hpp"

namespace millrace::cli {

daemon::PluginOptions plugin_options(const PluginArguments& arguments);

/// What it takes to load plugins for a command that runs nothing for good.
struct PluginWorld {
  /// `variables` outlive it.
  PluginWorld(const PluginArguments& arguments, daemon::Configuration configuration,
              const Object& variables)
      : plugins(plugin_options(arguments), std::move(configuration), variables, loop, log) {}
  PluginWorld(const PluginWorld&) = delete;
  PluginWorld& operator=(const PluginWorld&) = delete;
  ~PluginWorld() { plugins.stop(); }

  const SystemClock clock;
  MainLoop loop{clock};
  Log log{{.least = LogLevel::warning}};
  daemon::Plugins plugins;
};

/// Loads plugins, in a world that begins with the first. What it gives must not outlive it.
LoadPlugin plugin_loader(const PluginArguments& arguments);

}  // namespace millrace::cli
