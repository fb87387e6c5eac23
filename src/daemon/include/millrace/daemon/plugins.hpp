// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "millrace/base/diagnostic.hpp"
#include "millrace/base/log.hpp"
#include "millrace/daemon/configuration.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/plugin/discovery.hpp"
#include "millrace/plugin/python_plugins.hpp"
#include "millrace/plugin/registry.hpp"
#include "millrace/rules/rulebook.hpp"

namespace millrace::daemon {

struct PluginOptions {
  PluginPaths paths;
  PythonOptions python;
};

/// Loads foreign plugins beside the built-in ones, before the main loop runs for good. What a
/// plugin brings is registered when it has loaded as a whole; one that fails is told, with its
/// traceback, and leaves nothing behind.
class Plugins {
 public:
  /// `loop` and `log` outlive it. `variables`: the startup variables.
  Plugins(const PluginOptions& options, Configuration configuration, const Object& variables,
          MainLoop& loop, Log& log);
  Plugins(const Plugins&) = delete;
  Plugins& operator=(const Plugins&) = delete;
  ~Plugins();

  /// Everything in the plugin folders that must be loaded to be known.
  void load_folders();
  /// The plugins that rulebooks name, which are given the names that they are registered by. What
  /// cannot be found or loaded goes to `diagnostics`, at its place, and so does what the
  /// configuration says of plugins that there are not.
  void load_named(std::vector<rules::Rulebook>& rulebooks, Diagnostics& diagnostics);
  /// The same while the loop runs, when nothing can be loaded: a plugin that was not loaded before
  /// is a fault.
  void name_loaded(std::vector<rules::Rulebook>& rulebooks, Diagnostics& diagnostics);
  /// One file. Errors: as load_native_plugin() and PythonPlugins::load().
  Result<LoadedPlugin> load_file(const PluginFile& plugin);
  /// Registers what a loaded plugin brings. Errors: already_exists; nothing is registered then.
  Result<> take(LoadedPlugin plugin);

  const Registry& registry() const { return registry_; }
  PluginFinder& finder() { return finder_; }
  TemplateHost& templates() { return python_.templates(); }
  /// What plugins have made of it.
  const Object& configuration() const { return values_; }

  /// The main loop runs: what plugins put off is done.
  void go_live();
  /// Ends the hosts. Call before it goes, when the loop does not run.
  void stop();

 private:
  enum class When { before_the_run, in_the_run };
  void name_all(std::vector<rules::Rulebook>& rulebooks, When when, Diagnostics& diagnostics);
  void load_extension(rules::Extension& named, PluginKind kind, When when,
                      Diagnostics& diagnostics);
  bool is_loaded(const FoundPlugin& found) const;
  void check_configuration(Diagnostics& diagnostics);
  Result<> load_legacy(const FoundPlugin& found);
  void warn_about(const FoundPlugin& found, const rules::Extension& named,
                  Diagnostics& diagnostics);
  void tell(const std::vector<Notice>& notices);
  void tell_failure(const std::string& name, const std::filesystem::path& file, const Error& error);

  MainLoop& loop_;
  Log& log_;
  const Configuration configuration_;
  Object values_;
  PythonPlugins python_;  // before the registry, whose descriptors use it
  Registry registry_;
  PluginFinder finder_;
  std::vector<std::string> loaded_names_;
  std::vector<std::function<void()>> deferred_;
};

}  // namespace millrace::daemon
