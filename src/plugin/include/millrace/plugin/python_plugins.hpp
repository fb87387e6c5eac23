// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/base/clock.hpp"
#include "millrace/base/log.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"
#include "millrace/plugin/loaded_plugin.hpp"
#include "millrace/plugin/template_host.hpp"

namespace millrace {

namespace python {
class HostProcess;
class PythonTemplates;
}  // namespace python

/// Where Python is.
struct PythonOptions {
  /// A path, or a name in PATH. Empty: MILLRACE_PYTHON, else the python of VIRTUAL_ENV, else
  /// python3 in PATH.
  std::string interpreter;
  /// The folder that holds `millrace_host`. Empty: MILLRACE_HOST_FOLDER, else
  /// `../share/millrace/python` beside the program, else `python/` of the source tree.
  std::filesystem::path host_folder;
  Duration template_limit = std::chrono::seconds(5);  ///< for compiling or rendering a template
};

/// The folder that holds the package `millrace` and the host. Errors: unavailable.
Result<std::filesystem::path> find_python_folder(const PythonOptions& options);

/// What the host of a plugin may do.
struct HostSettings {
  std::string group;  ///< plugins of one group share a host; empty: one of its own
  std::optional<std::uint64_t> memory = std::uint64_t{4} << 30;  ///< bytes; nothing: unbounded
  std::optional<std::uint64_t> files;      ///< open at once; nothing: as the engine
  std::optional<std::uint64_t> processes;  ///< of its user, threads included; likewise
  std::string user;                        ///< empty: the engine's
  bool seccomp = false;
  /// For one call of a filter, action or service, and for loading.
  Duration call_timeout = std::chrono::seconds(60);
  /// For what was asked to end, until it is killed.
  Duration stop_grace = std::chrono::seconds(5);

  friend bool operator==(const HostSettings&, const HostSettings&) = default;
};

/// Plugins in Python, each in a host process of its own (or of its group), and the host of
/// templates. Loop thread only.
///
/// A host that dies, or is killed because it does not obey, takes its sources and the calls under
/// way with it: they end with Errc::unavailable. What is asked of it next starts it again, at once
/// at first, later after a growing delay.
///
/// Without Python everything else works: what needs it fails with Errc::unavailable and a message
/// that says how to get it.
///
/// Lifetime: outlives what its plugins' descriptors make, and the deliveries of their sources.
/// stop() must have ended before it goes. A host that lives keeps MainLoop::run() from ending by
/// itself.
class PythonPlugins {
 public:
  /// `variables`: the startup variables, which templates see.
  PythonPlugins(MainLoop& loop, Log& log, PythonOptions options, Object variables);
  PythonPlugins(const PythonPlugins&) = delete;
  PythonPlugins& operator=(const PythonPlugins&) = delete;
  ~PythonPlugins();

  /// Loads the file in its host and tells what it brings; a host that is left with nothing ends.
  /// `name` is what the plugin is called in messages, and what the one extension of a file of the
  /// `ansible.eda` kind is registered as; `kind` is what such a file is looked up as: "source",
  /// "filter", or "" when it must be a plugin made with `millrace.Plugin`. Errors: unavailable
  /// without Python, or when the host dies; invalid_settings when the plugin refuses to load;
  /// timeout; cancelled.
  Task<Result<LoadedPlugin>> load(std::filesystem::path file, std::string name,
                                  std::string_view kind, Object configuration,
                                  HostSettings settings);

  /// The main loop runs: what plugins have put off is run, and they may start threads.
  void go_live();

  /// Its process is started at first use.
  TemplateHost& templates();

  /// Ends every host, and waits for it. Whatever is asked of a plugin afterwards is refused.
  Task<> stop();

 private:
  static std::string key_of(const std::filesystem::path& file, const HostSettings& settings);
  Task<Result<LoadedPlugin>> load_in(python::HostProcess& host, const std::filesystem::path& file,
                                     const std::string& name, std::string_view kind,
                                     Object configuration);
  python::HostProcess& host_for(const std::filesystem::path& file, const std::string& name,
                                const HostSettings& settings);

  MainLoop& loop_;
  Log& log_;
  const PythonOptions options_;
  const Object variables_;
  std::map<std::string, std::unique_ptr<python::HostProcess>> hosts_;  ///< by group, or by file
  std::map<std::string, int> loading_;  ///< how many are being loaded in each
  std::unique_ptr<python::PythonTemplates> templates_;
  bool live_ = false;
  bool stopped_ = false;
};

}  // namespace millrace
