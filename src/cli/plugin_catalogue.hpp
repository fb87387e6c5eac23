// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "millrace/event/value.hpp"
#include "millrace/plugin/discovery.hpp"
#include "millrace/plugin/registry.hpp"

namespace millrace::cli {

/// An extension or a plugin, as far as its reference goes.
struct PluginEntry {
  std::string kind;  ///< "source", "filter", "action", a service's kind; "plugin" if not loaded
  std::string name;
  std::vector<std::string> aliases;
  std::string summary;
  std::optional<SettingsSchema> schema;  ///< nothing: not documented
  std::string origin;                    ///< "built in", "plugin folder …"
  std::string file;                      ///< empty: built in
  std::vector<std::string> text;
  std::vector<std::string> notes;
  std::string examples;
};

/// Everything that rulebooks can name here, found and loaded as a run does it. Faults are told on
/// standard error and keep nothing else from being listed.
class PluginCatalogue {
 public:
  PluginCatalogue(const PluginArguments& folders, const LoadPlugin& load);

  /// By kind, then by name.
  std::vector<PluginEntry> all();
  /// What the name stands for: at most one source, one filter, one action and one plugin.
  /// `failure` is why, if there is more to say than that there is nothing.
  std::vector<PluginEntry> find(const std::string& name, std::string& failure);

 private:
  std::vector<PluginEntry> registered() const;
  void add_found(PluginLookup lookup, PluginKind kind, std::vector<PluginEntry>& entries,
                 std::string& failure) const;

  Registry registry_;
  PluginFinder finder_;
  std::vector<PluginFile> not_loaded_;
};

PluginPaths plugin_paths(const PluginArguments& folders);
/// Extensions of a plugin that was loaded.
std::vector<PluginEntry> entries_of(const LoadedPlugin& plugin, const std::string& origin);

std::string list_text(const std::vector<PluginEntry>& entries);
std::string doc_text(const PluginEntry& entry);
Object summary_json(const PluginEntry& entry);
Object doc_json(const PluginEntry& entry);

}  // namespace millrace::cli
