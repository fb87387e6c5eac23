// SPDX-License-Identifier: Apache-2.0
#include "plugin_catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/daemon/rulebooks.hpp"
#include "millrace/plugin/python_documentation.hpp"
#include "report.hpp"

namespace millrace::cli {
namespace {

constexpr std::array<std::string_view, 3> kFirstKinds = {"source", "filter", "action"};

void tell(const std::vector<Notice>& notices) {
  for (const auto& notice : notices) {
    if (notice.level >= LogLevel::warning)
      print_note(fmt::format("millrace: {}\n", printable(notice.text)));
  }
}

template <class Made>
PluginEntry entry_of(std::string kind, const Descriptor<Made>& descriptor) {
  PluginEntry entry;
  entry.kind = std::move(kind);
  entry.name = descriptor.name;
  entry.aliases = descriptor.aliases;
  entry.summary = descriptor.summary;
  entry.schema = descriptor.schema;
  entry.origin =
      descriptor.provider.empty() ? "built in" : fmt::format("plugin {}", descriptor.provider);
  entry.file = descriptor.provider;
  return entry;
}

template <class Made>
void add_entries(const std::string& kind, const Extensions<Made>& extensions,
                 std::vector<PluginEntry>& entries) {
  // Names lead to the extension that answers to them: a foreign one hides a built-in one.
  for (const auto& descriptor : extensions.all()) {
    if (extensions.find(descriptor->name) == descriptor.get())
      entries.push_back(entry_of(kind, *descriptor));
  }
}

// What the file says of itself, without running it.
PluginEntry entry_of(const PluginFile& plugin) {
  PluginEntry entry;
  entry.kind = plugin.form == PluginFile::Form::source   ? "source"
               : plugin.form == PluginFile::Form::filter ? "filter"
                                                         : "plugin";
  entry.name = plugin.name;
  entry.origin = plugin.origin;
  entry.file = plugin.file.string();
  if (plugin.form == PluginFile::Form::native) return entry;
  const auto text = read_file(plugin.file);
  if (!text) {
    print_note(fmt::format("millrace: {}\n", text.error().message()));
    return entry;
  }
  Diagnostics ignored;  // `plugin check` tells them
  auto documentation = document_python(outline_python(*text), entry.file, ignored);
  entry.summary = std::move(documentation.summary);
  entry.schema = std::move(documentation.schema);
  entry.text = std::move(documentation.text);
  entry.notes = std::move(documentation.notes);
  entry.examples = std::move(documentation.examples);
  return entry;
}

// Sources, filters and actions first, as rulebooks are read.
auto order_of(const PluginEntry& entry) {
  const auto first = std::ranges::find(kFirstKinds, entry.kind);
  return std::tuple(first - kFirstKinds.begin(), entry.kind, entry.name, entry.file);
}

}  // namespace

PluginPaths plugin_paths(const PluginArguments& folders) {
  const auto paths = [](const std::vector<std::string>& names) {
    return std::vector<std::filesystem::path>(names.begin(), names.end());
  };
  return {.source_folders = paths(folders.source_folders),
          .filter_folders = paths(folders.filter_folders),
          .plugin_folders = paths(folders.plugin_folders)};
}

PluginCatalogue::PluginCatalogue(const PluginArguments& folders, const LoadPlugin& load)
    : registry_(daemon::builtin_registry()),
      finder_(plugin_paths(folders), PluginEnvironment::of_process(), registry_) {
  const auto& listing = finder_.plugins_of_folders();
  tell(listing.notices);
  for (const auto& plugin : listing.plugins) {
    if (plugin.form != PluginFile::Form::native && plugin.form != PluginFile::Form::python)
      continue;
    auto loaded = load ? load(plugin) : Result<LoadedPlugin>(fail(Errc::unavailable, "not loaded"));
    auto registered = loaded ? register_plugin(*loaded, registry_) : Result<>(loaded.error());
    if (registered) continue;
    not_loaded_.push_back(plugin);
    if (load)
      print_note(fmt::format("millrace: {}: {}\n", plugin.file.string(),
                             printable(registered.error().message())));
  }
}

std::vector<PluginEntry> PluginCatalogue::registered() const {
  std::vector<PluginEntry> entries;
  add_entries("source", registry_.sources, entries);
  add_entries("filter", registry_.filters, entries);
  add_entries("action", registry_.actions, entries);
  for (const auto& [kind, extensions] : registry_.services)
    add_entries(std::string(to_string(kind)), extensions, entries);
  return entries;
}

std::vector<PluginEntry> PluginCatalogue::all() {
  auto entries = registered();
  const auto listing = finder_.all();
  tell(listing.notices);
  for (const auto& plugin : listing.plugins) {
    if (plugin.form == PluginFile::Form::source || plugin.form == PluginFile::Form::filter)
      entries.push_back(entry_of(plugin));
  }
  for (const auto& plugin : not_loaded_) entries.push_back(entry_of(plugin));
  std::ranges::sort(entries, {}, order_of);
  return entries;
}

void PluginCatalogue::add_found(PluginLookup lookup, PluginKind kind,
                                std::vector<PluginEntry>& entries, std::string& failure) const {
  tell(lookup.notices);
  if (!lookup.found) {
    // That there is none is no more than who asks will say.
    if (lookup.hint.empty()) failure = lookup.found.error().message();
    return;
  }
  const auto& found = *lookup.found;
  if (!found.registered.empty()) {
    entries.push_back(kind == PluginKind::source
                          ? entry_of("source", *registry_.sources.find(found.registered))
                          : entry_of("filter", *registry_.filters.find(found.registered)));
    return;
  }
  const auto form =
      kind == PluginKind::source ? PluginFile::Form::source : PluginFile::Form::filter;
  entries.push_back(entry_of({found.name, form, found.file, found.origin}));
}

std::vector<PluginEntry> PluginCatalogue::find(const std::string& name, std::string& failure) {
  std::vector<PluginEntry> entries;
  add_found(finder_.find_source(name), PluginKind::source, entries, failure);
  add_found(finder_.find_filter(name), PluginKind::filter, entries, failure);
  if (const auto* action = registry_.actions.find(name))
    entries.push_back(entry_of("action", *action));
  for (const auto& [kind, extensions] : registry_.services) {
    if (const auto* service = extensions.find(name))
      entries.push_back(entry_of(std::string(to_string(kind)), *service));
  }
  for (const auto& plugin : not_loaded_) {
    if (plugin.name == name) entries.push_back(entry_of(plugin));
  }
  return entries;
}

std::vector<PluginEntry> entries_of(const LoadedPlugin& plugin, const std::string& origin) {
  std::vector<PluginEntry> entries;
  entries.reserve(plugin.sources.size() + plugin.filters.size() + plugin.actions.size() +
                  plugin.services.size());
  for (const auto& each : plugin.sources) entries.push_back(entry_of("source", each));
  for (const auto& each : plugin.filters) entries.push_back(entry_of("filter", each));
  for (const auto& each : plugin.actions) entries.push_back(entry_of("action", each));
  for (const auto& [kind, each] : plugin.services)
    entries.push_back(entry_of(std::string(to_string(kind)), each));
  for (auto& entry : entries) {
    entry.origin = origin;
    entry.file = plugin.file.string();
  }
  return entries;
}

}  // namespace millrace::cli
