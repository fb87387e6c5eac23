// SPDX-License-Identifier: Apache-2.0
#include "plugin_folders.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/plugin/python_documentation.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestPython = std::size_t{8} << 20;
constexpr std::size_t kMostEntries = 100'000;  // of all folders: somebody named the wrong one

bool is_left_out(const fs::path& path) {
  const auto name = path.filename().string();
  return name.starts_with('.') || name == "__pycache__" ||
         (name.ends_with(".py") && (name.starts_with("test_") || name.ends_with("_test.py")));
}

// Plugins of one name hide each other only among those that are named in the same way.
std::string_view space_of(PluginFile::Form form) {
  const bool loaded = form == PluginFile::Form::native || form == PluginFile::Form::python;
  return loaded ? "plugin" : to_string(form);
}

struct Entries {
  std::vector<fs::path> files;
  std::vector<fs::path> folders;
};

class FolderSearch {
 public:
  void search(const SearchedFolder& start) {
    std::error_code error;
    if (!fs::exists(start.folder, error) && !error) {
      if (start.must_exist) warn("{}: there is no such folder", start.folder.string());
      return;
    }
    if (!fs::is_directory(start.folder, error)) {
      warn("{}: {}", start.folder.string(), error ? error.message() : "is not a folder");
      return;
    }
    origin_ = start.origin;
    search(start.folder);
  }
  PluginListing take() && { return std::move(listing_); }

 private:
  template <class... Args>
  void warn(fmt::format_string<Args...> text, Args&&... args) {
    listing_.notices.push_back({LogLevel::warning, fmt::format(text, std::forward<Args>(args)...)});
  }

  // Depth first, without recursion: links can make paths as long as the system allows.
  void search(const fs::path& start) {
    std::vector<fs::path> waiting = {start};
    while (!waiting.empty()) {
      const auto folder = std::move(waiting.back());
      waiting.pop_back();
      const auto entries = read(folder);
      for (const auto& file : entries.files) add_file(file);
      for (const auto& below : entries.folders) {
        if (is_package(below)) add_package(below);
      }
      for (auto below = entries.folders.rbegin(); below != entries.folders.rend(); ++below) {
        if (!is_package(*below)) waiting.push_back(*below);
      }
    }
  }

  // Sorted; nothing of a folder that was read before.
  Entries read(const fs::path& folder) {
    Entries entries;
    std::error_code error;
    const auto real = fs::canonical(folder, error);
    if (!error && !seen_.insert(real).second) return entries;
    if (is_open_to_all(folder)) return entries;
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      if (++count_ > kMostEntries) {
        if (count_ == kMostEntries + 1)
          warn("{}: more than {} files: the rest is not searched for plugins", folder.string(),
               kMostEntries);
        break;
      }
      if (is_left_out(entry->path())) continue;
      std::error_code ignored;  // a link to nowhere is neither
      if (entry->is_directory(ignored)) {
        entries.folders.push_back(entry->path());
      } else if (entry->is_regular_file(ignored)) {
        entries.files.push_back(entry->path());
      }
    }
    if (error) warn("{}: {}: no plugins are loaded from there", folder.string(), error.message());
    std::ranges::sort(entries.files);
    std::ranges::sort(entries.folders);
    return entries;
  }

  // Whoever can change a plugin is who the engine is.
  bool is_open_to_all(const fs::path& path) {
    std::error_code error;
    const auto rights = fs::status(path, error).permissions();
    if (error || (rights & fs::perms::others_write) == fs::perms::none) return false;
    warn("{}: everybody may change it: no plugin is loaded from it (see chmod o-w)", path.string());
    return true;
  }

  // event_source/__init__.py makes a folder of plugins no plugin.
  static bool is_package(const fs::path& folder) {
    std::error_code ignored;
    return !kind_of_folder(folder) && fs::is_regular_file(folder / "__init__.py", ignored);
  }

  std::optional<std::string> text_of(const fs::path& file) {
    auto text = read_file(file, kLongestPython);
    if (text) return std::move(*text);
    warn("{}", text.error().message());
    return std::nullopt;
  }

  void add_file(const fs::path& file) {
    if (file.extension() == ".so") add(file, file.stem().string(), PluginFile::Form::native);
    if (file.extension() != ".py" || file.filename() == "__init__.py") return;
    const auto text = text_of(file);
    if (!text) return;
    if (const auto form = form_of_python(file, outline_python(*text)))
      add(file, file.stem().string(), *form);
  }

  // Any of its files may be the one that makes the plugin.
  void add_package(const fs::path& folder) {
    for (const auto& file : read(folder).files) {
      if (file.extension() != ".py") continue;
      const auto text = text_of(file);
      if (!text || !outline_python(*text).imports_millrace) continue;
      add(folder / "__init__.py", folder.filename().string(), PluginFile::Form::python);
      return;
    }
  }

  void add(const fs::path& file, std::string name, PluginFile::Form form) {
    if (is_open_to_all(file)) return;
    const auto [taken, added] = names_.emplace(std::pair(space_of(form), name), file);
    if (!added) {
      listing_.notices.push_back(
          {LogLevel::info, fmt::format("{}: not used, since {} is called {}, too and comes first",
                                       file.string(), taken->second.string(), name)});
      return;
    }
    listing_.plugins.push_back({std::move(name), form, file, origin_});
  }

  PluginListing listing_;
  std::string origin_;
  std::set<fs::path> seen_;  // canonical
  std::map<std::pair<std::string_view, std::string>, fs::path> names_;
  std::size_t count_ = 0;
};

}  // namespace

std::optional<PluginKind> kind_of_folder(const fs::path& folder) {
  const auto name = folder.filename();
  if (name == "event_source" || name == "event_sources") return PluginKind::source;
  if (name == "event_filter" || name == "event_filters") return PluginKind::filter;
  return std::nullopt;
}

std::optional<PluginFile::Form> form_of_python(const fs::path& file, const PythonOutline& outline) {
  const auto kind = kind_of_folder(file.parent_path());
  if (outline.imports_millrace) return PluginFile::Form::python;
  if (outline.entry == PythonOutline::Entry::none) return std::nullopt;
  if (kind)
    return *kind == PluginKind::source ? PluginFile::Form::source : PluginFile::Form::filter;
  if (outline.entry == PythonOutline::Entry::coroutine) return PluginFile::Form::source;
  if (outline.entry == PythonOutline::Entry::other || outline.parameters.empty())
    return std::nullopt;
  const auto& first = outline.parameters.front();
  if (first == "argv" || first == "args") return std::nullopt;  // a program
  // A source that lacks its `async` is found, so that it can be told.
  return first == "queue" ? PluginFile::Form::source : PluginFile::Form::filter;
}

PluginListing list_plugin_folders(const std::vector<SearchedFolder>& folders) {
  FolderSearch search;
  for (const auto& folder : folders) search.search(folder);
  return std::move(search).take();
}

std::vector<PluginFile> list_python_files(const fs::path& folder, PluginKind kind,
                                          const std::string& origin) {
  std::vector<PluginFile> files;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const auto& path = entry->path();
    if (path.extension() != ".py" || is_left_out(path) || path.filename() == "__init__.py")
      continue;
    files.push_back(
        {path.stem().string(),
         kind == PluginKind::source ? PluginFile::Form::source : PluginFile::Form::filter, path,
         origin});
  }
  std::ranges::sort(files, {}, &PluginFile::file);
  return files;
}

}  // namespace millrace
