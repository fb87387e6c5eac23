// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/log.hpp"
#include "millrace/base/result.hpp"
#include "millrace/plugin/python_documentation.hpp"
#include "millrace/plugin/registry.hpp"

namespace millrace {

/// Folders that a command line names.
struct PluginPaths {
  std::vector<std::filesystem::path> source_folders;  ///< -S, --source-dir: searched in this order
  std::vector<std::filesystem::path> filter_folders;  ///< -F, --filter-dir
  std::vector<std::filesystem::path> plugin_folders;  ///< --plugin-dir
};

/// What of the outside world decides where plugins are looked for. An argument, so that tests have
/// a world of their own.
struct PluginEnvironment {
  /// Reads an environment variable: nothing when it is not set.
  std::function<std::optional<std::string>(const std::string&)> variable;
  std::filesystem::path home;            ///< empty: there is none
  std::filesystem::path working_folder;  ///< what relative paths start from
  std::filesystem::path program_folder;  ///< where the executable lies; empty: not known
  std::filesystem::path root = "/";      ///< below it lie the folders of the system

  static PluginEnvironment of_process();
};

/// Something that whoever looks for plugins should be told, for the log.
struct Notice {
  LogLevel level = LogLevel::warning;
  std::string text;

  friend bool operator==(const Notice&, const Notice&) = default;
};

enum class PluginKind { source, filter };
std::string_view to_string(PluginKind kind);

/// What a name in a rulebook stands for: an extension of the registry, or a Python file.
struct FoundPlugin {
  std::string name;  ///< as it is called after routing: a source without a name is called so
  PluginKind kind = PluginKind::source;
  std::string registered;      ///< name in the registry; empty: it is a file
  std::filesystem::path file;  ///< with `main`; empty: it is registered
  std::string origin;          ///< "built in", "source directory DIR", "collection ns.coll in DIR"…
};

/// Notices (deprecations, redirections) come with failures too; those about where collections are
/// looked for with a finder's first lookup.
struct PluginLookup {
  Result<FoundPlugin> found;
  std::vector<Notice> notices;
  std::string hint;  ///< when nothing was found: all places, and the nearest name
};

/// A file that holds a plugin.
struct PluginFile {
  enum class Form {
    native,  ///< shared object: loaded at start
    python,  ///< uses the package `millrace`: loaded at start. A package's file is its __init__.py
    source,  ///< Python file with `main(queue, args)`: loaded when a rulebook names it
    filter,  ///< Python file with `main(event, …)`: loaded when a rulebook names it
  };
  std::string name;
  Form form = Form::native;
  std::filesystem::path file;
  std::string origin;  ///< as FoundPlugin's
};
std::string_view to_string(PluginFile::Form form);

struct PluginListing {
  std::vector<PluginFile> plugins;
  std::vector<Notice> notices;
};

/// The file of playbook `ns.coll.name` in the collections that `environment` has: name.yml or
/// name.yaml, in the collection's folder `playbooks` or in the collection itself. Errors:
/// not_found.
Result<std::filesystem::path> find_playbook(std::string_view name,
                                            const PluginEnvironment& environment);

/// Finds plugins by name and by folder, without running anything of them. What was read once is
/// kept: make a new one to see changes on disk. Not for several threads at a time.
class PluginFinder {
 public:
  /// `registry` outlives the finder and is asked anew at each lookup, so that plugins that were
  /// loaded meanwhile are found.
  PluginFinder(PluginPaths paths, PluginEnvironment environment, const Registry& registry);
  PluginFinder(const PluginFinder&) = delete;
  PluginFinder& operator=(const PluginFinder&) = delete;
  ~PluginFinder();

  /// The name is routed first: former names, then the collection's eda_runtime.yml. Then it is
  /// looked for in the source directories, the registry (also names of collections whose plugins
  /// are built in, `ansible.eda.webhook`), the plugin folders and its collection.
  /// Errors: not_found (also what was removed), in the original's words;
  /// invalid_settings for a routing file that is wrong or leads in circles.
  PluginLookup find_source(std::string_view name);
  /// In the filter directories, ./event_filter, the plugin folders, the collection, the registry.
  PluginLookup find_filter(std::string_view name);

  /// A file, or `ns.coll.name` in a collection. Errors: not_found.
  Result<std::filesystem::path> find_rulebook(std::string_view name) const;

  /// What lies in --plugin-dir, the user's and the system's plugin folders, in the order in which
  /// it is loaded. Of plugins of one name the first only.
  const PluginListing& plugins_of_folders();

  /// Everything that can be named: of the directories for sources and filters, the plugin folders
  /// and all collections. A file that an earlier one hides is left out. Notices
  /// of plugins_of_folders() are not repeated.
  PluginListing all();

  /// Where collections are looked for: each holds `ansible_collections/`.
  std::vector<std::filesystem::path> collection_paths() const;
  /// As plugins_of_folders() searches them.
  std::vector<std::filesystem::path> plugin_folders() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What a Python file is, by its text and the name of its folder (event_source, event_filter);
/// nothing if it is no plugin.
std::optional<PluginFile::Form> form_of_python(const std::filesystem::path& file,
                                               const PythonOutline& outline);

/// Whether the file could be a native plugin: an ELF shared object for this machine that exports
/// `millrace_plugin`. Nothing of it is run. Errors: those of read_file(), and
/// invalid_settings, whose message goes on after the file's name ("is no shared object").
Result<> check_shared_object(const std::filesystem::path& file);

}  // namespace millrace
