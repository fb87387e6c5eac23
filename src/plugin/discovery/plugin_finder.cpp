// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include "collections.hpp"
#include "millrace/base/text.hpp"
#include "millrace/plugin/discovery.hpp"
#include "plugin_folders.hpp"
#include "plugin_routing.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

// Collections whose plugins are built in, today's and former names.
constexpr std::array<std::string_view, 4> kKnownCollections = {"ansible.eda", "community.eda",
                                                               "amazon.aws", "azure.azcollection"};
constexpr std::array<std::string_view, 2> kPlaybookFolders = {"playbooks", ""};
constexpr std::array<std::string_view, 2> kRulebookFolders = {"extensions/eda/rulebooks",
                                                              "rulebooks"};

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// What a name of a known collection is called here.
std::optional<std::string> name_in_program(std::string_view name) {
  const auto parts = split_collection_name(name);
  if (!parts || std::ranges::find(kKnownCollections, parts->collection) == kKnownCollections.end())
    return std::nullopt;
  return parts->plugin == "watchdog" ? "file_watch" : parts->plugin;
}

struct Registered {
  std::string name;
  std::string provider;
};

template <class Made>
std::optional<Registered> find_registered(const Extensions<Made>& extensions,
                                          std::string_view name) {
  const auto* found = extensions.find(name);
  if (found == nullptr) return std::nullopt;
  return Registered{found->name, found->provider};
}

std::string origin_of(const Registered& registered) {
  return registered.provider.empty() ? "built in" : fmt::format("plugin {}", registered.provider);
}

PluginFile::Form form_of(PluginKind kind) {
  return kind == PluginKind::source ? PluginFile::Form::source : PluginFile::Form::filter;
}

}  // namespace

std::string_view to_string(PluginKind kind) {
  return kind == PluginKind::source ? "source" : "filter";
}

std::string_view to_string(PluginFile::Form form) {
  switch (form) {
    case PluginFile::Form::native:
      return "native plugin";
    case PluginFile::Form::python:
      return "Python plugin";
    case PluginFile::Form::source:
      return "source";
    case PluginFile::Form::filter:
      return "filter";
  }
  std::abort();
}

struct PluginFinder::State {
  State(PluginPaths given, PluginEnvironment around, const Registry& extensions)
      : paths(std::move(given)),
        environment(std::move(around)),
        registry(extensions),
        collections(environment),
        routing(collections) {}

  PluginPaths paths;
  PluginEnvironment environment;
  const Registry& registry;
  Collections collections;
  PluginRouting routing;
  std::optional<PluginListing> of_folders;
  bool told = false;  // of the collections' notices

  std::vector<Notice> untold() {
    return std::exchange(told, true) ? std::vector<Notice>() : collections.notices();
  }

  fs::path absolute(const fs::path& path) const {
    return (environment.working_folder / path).lexically_normal();
  }
  const std::vector<fs::path>& directories(PluginKind kind) const {
    return kind == PluginKind::source ? paths.source_folders : paths.filter_folders;
  }
  std::optional<Registered> registered(std::string_view name, PluginKind kind) const {
    return kind == PluginKind::source ? find_registered(registry.sources, name)
                                      : find_registered(registry.filters, name);
  }
  std::vector<std::string> registered_names(PluginKind kind) const {
    return kind == PluginKind::source ? registry.sources.names() : registry.filters.names();
  }

  std::vector<SearchedFolder> searched_folders() const;
  const PluginListing& listing();
  std::vector<SearchedFolder> named_directories(PluginKind kind) const;
  PluginLookup find(std::string_view name, PluginKind kind);

  class Search;
};

// One lookup: tries places one after the other and remembers them.
class PluginFinder::State::Search {
 public:
  Search(State& state, std::string name, PluginKind kind)
      : state_(state), name_(std::move(name)), kind_(kind) {}

  Result<FoundPlugin> run() {
    if (in_directories()) return found_;
    const bool source = kind_ == PluginKind::source;
    if (source && in_registry()) return found_;
    if (in_registry_by_collection()) return found_;
    if (in_plugin_folders() || in_collection()) return found_;
    if (!source && in_registry()) return found_;
    return not_found();
  }
  /// For what was not found.
  std::string hint() const {
    return fmt::format("Searched: {}.{}", fmt::join(places(), ", "), suggestion());
  }

 private:
  bool take(fs::path file, std::string origin) {
    found_ = {name_, kind_, {}, std::move(file), std::move(origin)};
    return true;
  }

  bool in_directories() {
    if (name_.contains('/')) return false;
    for (const auto& directory : state_.named_directories(kind_)) {
      auto file = directory.folder / (name_ + ".py");
      if (is_file(file)) return take(std::move(file), directory.origin);
      searched_.push_back(file.string());
    }
    return false;
  }

  bool take(const std::optional<Registered>& found) {
    if (found) found_ = {name_, kind_, found->name, {}, origin_of(*found)};
    return found.has_value();
  }
  bool in_registry() {
    const auto found = state_.registered(name_, kind_);
    return (!found || !found->provider.empty() || !name_in_program(name_)) && take(found);
  }
  bool in_registry_by_collection() {
    const auto name = name_in_program(name_);
    return name && (take(state_.registered(name_, kind_)) || take(state_.registered(*name, kind_)));
  }

  bool in_plugin_folders() {
    for (const auto& plugin : state_.listing().plugins) {
      if (plugin.form == form_of(kind_) && plugin.name == name_)
        return take(plugin.file, plugin.origin);
    }
    return false;
  }

  bool in_collection() {
    const auto parts = split_collection_name(name_);
    if (!parts) return false;
    const auto file = state_.collections.find_file(parts->collection, collection_folders(kind_),
                                                   parts->plugin + ".py");
    if (!file) return false;
    const auto folder = state_.collections.find(parts->collection);
    return take(*file, fmt::format("collection {} in {}", parts->collection, folder->string()));
  }

  Error not_found() const {
    auto message = kind_ == PluginKind::source
                       ? fmt::format(
                             "Could not find source plugin for {}. Please ensure that the "
                             "appropriate Ansible collection is installed. If you're "
                             "running from the CLI, you can use the -S option to specify "
                             "additional source directories.",
                             name_)
                       : fmt::format("Could not find source filter plugin {}.", name_);
    return {Errc::not_found, std::move(message)};
  }

  std::vector<std::string> places() const {
    auto places = searched_;
    places.push_back(fmt::format("the built-in {}s", to_string(kind_)));
    for (const auto& folder : state_.searched_folders()) {
      std::error_code ignored;
      if (fs::is_directory(folder.folder, ignored)) places.push_back(folder.folder.string());
    }
    if (const auto parts = split_collection_name(name_)) {
      const auto folder = state_.collections.find(parts->collection);
      places.push_back(
          folder ? fmt::format("collection {} in {}", parts->collection, folder->string())
                 : fmt::format("collection {}, which is not installed", parts->collection));
    }
    return places;
  }

  std::string suggestion() const {
    auto names = state_.registered_names(kind_);
    const auto add = [&](const PluginFile& plugin) {
      if (plugin.form == form_of(kind_)) names.push_back(plugin.name);
    };
    for (const auto& directory : state_.named_directories(kind_))
      std::ranges::for_each(list_python_files(directory.folder, kind_, directory.origin), add);
    std::ranges::for_each(state_.listing().plugins, add);
    if (const auto parts = split_collection_name(name_)) add_names_of(*parts, names);
    auto hint = did_you_mean(name_, names);
    if (hint.empty()) {
      const auto dot = name_.rfind('.');
      if (dot != std::string::npos) hint = did_you_mean(name_.substr(dot + 1), names);
    }
    if (!hint.empty()) hint[0] = 'D';
    return hint.empty() ? hint : " " + hint;
  }

  // What else its collection has.
  template <class Parts>
  void add_names_of(const Parts& parts, std::vector<std::string>& names) const {
    const auto folder = state_.collections.find(parts.collection);
    if (!folder) return;
    for (const auto below : collection_folders(kind_)) {
      for (const auto& file : list_python_files(*folder / below, kind_, ""))
        names.push_back(fmt::format("{}.{}", parts.collection, file.name));
    }
  }

  State& state_;
  std::string name_;
  PluginKind kind_;
  FoundPlugin found_;
  std::vector<std::string> searched_;
};

std::vector<SearchedFolder> PluginFinder::State::named_directories(PluginKind kind) const {
  std::vector<SearchedFolder> out;
  for (const auto& folder : directories(kind)) {
    auto path = absolute(folder);
    auto origin = fmt::format("{} directory {}", to_string(kind), folder.string());
    out.push_back({std::move(path), std::move(origin), true});
  }
  if (kind == PluginKind::filter)
    out.push_back({absolute("event_filter"), "filter directory event_filter"});
  return out;
}

std::vector<SearchedFolder> PluginFinder::State::searched_folders() const {
  std::vector<SearchedFolder> out;
  const auto add = [&](const fs::path& folder, bool must_exist) {
    const auto path = absolute(folder);
    const auto same = [&](const SearchedFolder& other) { return other.folder == path; };
    if (std::ranges::none_of(out, same))
      out.push_back({path, fmt::format("plugin folder {}", path.string()), must_exist});
  };
  for (const auto& folder : paths.plugin_folders) add(folder, true);
  const auto shared = environment.variable("XDG_DATA_HOME").value_or("");
  if (fs::path(shared).is_absolute()) {
    add(fs::path(shared) / "millrace/plugins", false);
  } else if (!environment.home.empty()) {
    add(environment.home / ".local/share/millrace/plugins", false);
  }
  if (!environment.program_folder.empty())
    add(environment.program_folder / "../lib/millrace/plugins", false);
  add(environment.root / "usr/local/lib/millrace/plugins", false);
  add(environment.root / "usr/lib/millrace/plugins", false);
  return out;
}

const PluginListing& PluginFinder::State::listing() {
  if (!of_folders) of_folders = list_plugin_folders(searched_folders());
  return *of_folders;
}

PluginLookup PluginFinder::State::find(std::string_view name, PluginKind kind) {
  PluginLookup lookup{.found = FoundPlugin(), .notices = untold()};
  auto routed = routing.follow(name, kind, lookup.notices);
  if (!routed) {
    lookup.found = routed.error();
  } else {
    Search search(*this, std::move(*routed), kind);
    lookup.found = search.run();
    if (!lookup.found) lookup.hint = search.hint();
  }
  return lookup;
}

PluginFinder::PluginFinder(PluginPaths paths, PluginEnvironment environment,
                           const Registry& registry)
    : state_(std::make_unique<State>(std::move(paths), std::move(environment), registry)) {}

PluginFinder::~PluginFinder() = default;

PluginLookup PluginFinder::find_source(std::string_view name) {
  return state_->find(name, PluginKind::source);
}
PluginLookup PluginFinder::find_filter(std::string_view name) {
  return state_->find(name, PluginKind::filter);
}

Result<fs::path> PluginFinder::find_rulebook(std::string_view name) const {
  const fs::path path(name);
  if (is_file(state_->absolute(path))) return path;
  const auto parts = split_collection_name(name);
  if (!parts) return fail(Errc::not_found, "Could not find rulebook {}", name);
  if (auto file = state_->collections.find_file(parts->collection, kRulebookFolders,
                                                parts->plugin + ".yml"))
    return *file;
  return fail(Errc::not_found, "Could not find rulebook {}{}", name,
              state_->collections.find(parts->collection)
                  ? ""
                  : fmt::format(": collection {} is not installed", parts->collection));
}

Result<fs::path> find_playbook(std::string_view name, const PluginEnvironment& environment) {
  const auto parts = split_collection_name(name);
  if (!parts) return fail(Errc::not_found, "{} names no playbook of a collection", name);
  const Collections collections(environment);
  for (const auto* extension : {".yml", ".yaml"}) {
    if (auto file =
            collections.find_file(parts->collection, kPlaybookFolders, parts->plugin + extension))
      return *file;
  }
  return fail(Errc::not_found, "there is no playbook {}", name);
}

const PluginListing& PluginFinder::plugins_of_folders() { return state_->listing(); }

PluginListing PluginFinder::all() {
  PluginListing out;
  std::set<std::pair<PluginFile::Form, std::string>> taken;
  const auto add = [&](PluginFile file) {
    if (taken.emplace(file.form, file.name).second) out.plugins.push_back(std::move(file));
  };
  for (const auto kind : {PluginKind::source, PluginKind::filter}) {
    for (const auto& directory : state_->named_directories(kind))
      std::ranges::for_each(list_python_files(directory.folder, kind, directory.origin), add);
  }
  std::ranges::for_each(state_->listing().plugins, add);
  for (const auto& [name, folder] : state_->collections.all()) {
    const auto origin = fmt::format("collection {} in {}", name, folder.string());
    for (const auto kind : {PluginKind::source, PluginKind::filter}) {
      for (const auto below : collection_folders(kind)) {
        for (auto& file : list_python_files(folder / below, kind, origin)) {
          file.name = fmt::format("{}.{}", name, file.name);
          add(std::move(file));
        }
      }
    }
  }
  out.notices = state_->untold();
  return out;
}

std::vector<fs::path> PluginFinder::collection_paths() const { return state_->collections.paths(); }

std::vector<fs::path> PluginFinder::plugin_folders() const {
  std::vector<fs::path> out;
  for (const auto& folder : state_->searched_folders()) out.push_back(folder.folder);
  return out;
}

}  // namespace millrace
