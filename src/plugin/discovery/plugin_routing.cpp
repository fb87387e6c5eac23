// SPDX-License-Identifier: Apache-2.0
#include "plugin_routing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>
#include <utility>

#include "millrace/base/files.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormerCollection = "ansible.eda.";
constexpr std::array<std::string_view, 3> kMovedSources = {"pg_listener", "generic", "range"};
// The original sends dashes_to_underscores to ansible.builtin, where it is not found.
constexpr std::array<std::string_view, 5> kMovedFilters = {
    "dashes_to_underscores", "json_filter", "normalize_keys", "insert_hosts_to_meta", "noop"};
constexpr std::size_t kMostRedirections = 10;
constexpr std::size_t kLongestFile = std::size_t{1} << 20;

std::string_view section_of(PluginKind kind) {
  return kind == PluginKind::source ? "event_source" : "event_filter";
}

std::optional<std::string> moved_into_program(std::string_view name, PluginKind kind) {
  if (!name.starts_with(kFormerCollection)) return std::nullopt;
  const auto plugin = name.substr(kFormerCollection.size());
  const bool moved = kind == PluginKind::source
                         ? std::ranges::find(kMovedSources, plugin) != kMovedSources.end()
                         : std::ranges::find(kMovedFilters, plugin) != kMovedFilters.end();
  return moved ? std::optional(fmt::format("eda.builtin.{}", plugin)) : std::nullopt;
}

std::string_view python_type(const YamlNode& node) {
  if (node.is_mapping()) return "dict";
  if (node.is_sequence()) return "list";
  if (node.scalar.is_null()) return "NoneType";
  if (node.scalar.is_bool()) return "bool";
  if (node.scalar.is_string()) return "str";
  return node.scalar.is_double() ? "float" : "int";
}

// A scalar as it is written; nothing for null and for what is no scalar.
std::optional<std::string> text_at(const YamlNode& node, std::string_view key) {
  const auto* found = node.find(key);
  if (found == nullptr || found->is_null() || found->kind != YamlNode::Kind::scalar)
    return std::nullopt;
  return found->text;
}

std::string place_of(const YamlNode& node) {
  return fmt::format("{}:{}:{}", node.where.file, node.where.line, node.where.column);
}

Error not_a_mapping(const YamlNode& node, std::string_view what) {
  return fail(Errc::invalid_settings, "{}: expected {} as dict, got {}", place_of(node), what,
              python_type(node));
}

// Nothing for `{}`, null and a missing key: as in the original they say nothing.
Result<const YamlNode*> mapping_at(const YamlNode& entry, std::string_view key) {
  const auto* found = entry.find(key);
  if (found == nullptr || found->is_null() || (found->is_mapping() && found->entries.empty()))
    return nullptr;
  if (!found->is_mapping()) return not_a_mapping(*found, key);
  return found;
}

// A date is told rather than a version.
std::string removal_of(const YamlNode& deprecation) {
  const auto date = text_at(deprecation, "removal_date");
  if (date && !date->empty()) return fmt::format("in a release after {}", *date);
  const auto version = date ? std::nullopt : text_at(deprecation, "removal_version");
  if (version && !version->empty()) return fmt::format("version {}", *version);
  return "in a future release";
}

std::optional<Notice> deprecation_notice(std::string_view name, PluginKind kind,
                                         const YamlNode& deprecation) {
  const auto text = text_at(deprecation, "warning_text").value_or("");
  if (text.empty() && !text_at(deprecation, "removal_date") &&
      !text_at(deprecation, "removal_version"))
    return std::nullopt;
  const auto parts = split_collection_name(name).value_or(CollectionName());
  return Notice{LogLevel::warning,
                fmt::format("{} has been deprecated.{}{} This feature will be removed from event "
                            "{} '{}' in collection '{}' {}.",
                            name, text.empty() ? "" : " ", text, to_string(kind), parts.plugin,
                            parts.collection, removal_of(deprecation))};
}

Error removed(std::string_view name, PluginKind kind, const YamlNode& tombstone) {
  const auto text = text_at(tombstone, "warning_text").value_or("");
  return fail(Errc::not_found, "The {} {} has been removed.{}{}", name, section_of(kind),
              text.empty() ? "" : " ", text);
}

// Of one step: tells of a deprecation, then fails for a tombstone, then says where to go on.
Result<std::optional<std::string>> next_name(std::string_view name, PluginKind kind,
                                             const YamlNode& entry, std::vector<Notice>& notices) {
  const auto deprecation = mapping_at(entry, "deprecation");
  if (!deprecation) return deprecation.error();
  if (*deprecation != nullptr) {
    if (auto notice = deprecation_notice(name, kind, **deprecation))
      notices.push_back(std::move(*notice));
  }
  const auto tombstone = mapping_at(entry, "tombstone");
  if (!tombstone) return tombstone.error();
  if (*tombstone != nullptr) return removed(name, kind, **tombstone);
  const auto* redirect = entry.find("redirect");
  if (redirect == nullptr || redirect->is_null()) return std::nullopt;
  if (!redirect->is_string())
    return fail(Errc::invalid_settings, "{}: redirect must be the name of a plugin, not {}",
                place_of(*redirect), python_type(*redirect));
  return redirect->text.empty() ? std::nullopt : std::optional(redirect->text);
}

void tell_redirection(std::string_view from, std::string_view to, PluginKind kind,
                      std::vector<Notice>& notices) {
  notices.push_back(
      {LogLevel::info, fmt::format("redirecting (type: {}) {} to {}", section_of(kind), from, to)});
}

}  // namespace

Result<const YamlNode*> PluginRouting::file_of(const std::string& collection) {
  const auto known = files_.find(collection);
  if (known != files_.end())
    return known->second ? Result<const YamlNode*>(known->second->get()) : known->second.error();
  const auto read = [&]() -> Result<std::unique_ptr<YamlNode>> {
    const auto folder = collections_.find(collection);
    std::error_code ignored;
    if (!folder || !fs::exists(*folder / "extensions/eda/eda_runtime.yml", ignored)) return nullptr;
    const auto file = (*folder / "extensions/eda/eda_runtime.yml").string();
    const auto what = fmt::format("error parsing eda collection metadata `{}`", file);
    auto text = read_file(file, kLongestFile);
    if (!text) return std::move(text).error().with_context(what);
    Diagnostics faults;
    auto root = parse_yaml(*text, file, faults);
    if (root == nullptr) {
      const auto fault = std::ranges::find(faults.items(), Severity::error, &Diagnostic::severity);
      return fail(Errc::invalid_settings, "{}: {}:{}: {}", what, fault->where.line,
                  fault->where.column, fault->message);
    }
    if (!root->is_mapping())
      return fail(Errc::invalid_settings, "{}: Expected dict, got {}", what, python_type(*root));
    return root;
  };
  files_.emplace(collection, read());
  return file_of(collection);
}

Result<const YamlNode*> PluginRouting::entry_of(std::string_view name, PluginKind kind) {
  const auto parts = split_collection_name(name);
  if (!parts) return nullptr;
  const auto file = file_of(parts->collection);
  if (!file || *file == nullptr || (*file)->entries.empty()) return file;
  const auto* routing = (*file)->find("plugin_routing");
  if (routing == nullptr || !routing->is_mapping())
    return fail(Errc::invalid_settings, "{}: expected plugin_routing as dict, got {}",
                place_of(routing == nullptr ? **file : *routing),
                routing == nullptr ? "nothing" : python_type(*routing));
  const auto* section = routing->find(section_of(kind));
  if (section == nullptr) return nullptr;
  if (!section->is_mapping()) return not_a_mapping(*section, section_of(kind));
  const auto* entry = section->find(parts->plugin);
  if (entry != nullptr && !entry->is_mapping()) return not_a_mapping(*entry, parts->plugin);
  return entry;
}

Result<std::string> PluginRouting::follow(std::string_view name, PluginKind kind,
                                          std::vector<Notice>& notices) {
  if (auto moved = moved_into_program(name, kind)) {
    tell_redirection(name, *moved, kind, notices);
    return *moved;
  }
  std::vector<std::string> path = {std::string(name)};
  for (;;) {
    const auto entry = entry_of(path.back(), kind);
    if (!entry) return entry.error();
    if (*entry == nullptr) return path.back();
    auto next = next_name(path.back(), kind, **entry, notices);
    if (!next) return next.error();
    if (!*next) return path.back();
    const bool circle = std::ranges::find(path, **next) != path.end();
    tell_redirection(path.back(), **next, kind, notices);
    path.push_back(std::move(**next));
    if (circle)
      return fail(Errc::invalid_settings, "plugin redirect loop resolving {} (path: ['{}'])", name,
                  fmt::join(path, "', '"));
    if (path.size() > kMostRedirections + 1)
      return fail(Errc::invalid_settings, "Exceeded max allowed ({}) redirections",
                  kMostRedirections);
  }
}

}  // namespace millrace
