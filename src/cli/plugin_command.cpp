// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "commands.hpp"
#include "millrace/daemon/rulebooks.hpp"
#include "millrace/event/json.hpp"
#include "millrace/plugin/registry.hpp"
#include "report.hpp"

namespace millrace::cli {
namespace {

// A source, filter or action, as far as its reference goes.
struct Entry {
  std::string_view kind;
  std::string name;
  std::vector<std::string> aliases;
  std::string summary;
  const SettingsSchema* schema;
};

template <class Made>
void add_entries(std::string_view kind, const Extensions<Made>& extensions,
                 std::vector<Entry>& entries) {
  for (const auto& name : extensions.names()) {
    const auto& found = *extensions.find(name);
    entries.push_back({kind, found.name, found.aliases, found.summary, &found.schema});
  }
}

std::vector<Entry> entries_of(const Registry& registry) {
  std::vector<Entry> entries;
  add_entries("source", registry.sources, entries);
  add_entries("filter", registry.filters, entries);
  add_entries("action", registry.actions, entries);
  return entries;
}

// Also by longer names: ansible.eda.range.
std::vector<Entry> find_entries(const Registry& registry, const std::string& name) {
  const auto matches = [&](const Entry& entry) {
    const auto is = [&](const auto* found) {
      return found != nullptr && found->name == entry.name;
    };
    if (entry.kind == "source") return is(registry.sources.find(name));
    if (entry.kind == "filter") return is(registry.filters.find(name));
    return is(registry.actions.find(name));
  };
  auto entries = entries_of(registry);
  std::erase_if(entries, std::not_fn(matches));
  return entries;
}

std::string bounds_of(const Setting& setting) {
  if (std::isfinite(setting.least()) && std::isfinite(setting.most()))
    return fmt::format("{} to {}", setting.least(), setting.most());
  if (std::isfinite(setting.least())) return fmt::format("{} or more", setting.least());
  return std::isfinite(setting.most()) ? fmt::format("{} or less", setting.most()) : "";
}

std::string meaning_of(const Setting& setting) {
  std::vector<std::string> remarks;
  if (!setting.choices().empty())
    remarks.push_back(fmt::format("one of {}", fmt::join(setting.choices(), ", ")));
  if (auto bounds = bounds_of(setting); !bounds.empty()) remarks.push_back(std::move(bounds));
  if (setting.is_secret()) remarks.emplace_back("secret");
  if (remarks.empty()) return setting.meaning();
  return fmt::format("{} ({})", setting.meaning(), fmt::join(remarks, "; "));
}

std::string default_of(const Setting& setting) {
  if (setting.is_required()) return "required";
  return setting.default_value() ? to_json(*setting.default_value()) : "-";
}

std::string table(const std::vector<Setting>& settings) {
  std::vector<std::array<std::string, 4>> rows = {{"setting", "type", "default", "meaning"}};
  for (const auto& setting : settings)
    rows.push_back({setting.name(), std::string(to_string(setting.type())), default_of(setting),
                    meaning_of(setting)});
  std::array<std::size_t, 3> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows)
    out += fmt::format("  {:<{}}  {:<{}}  {:<{}}  {}\n", row[0], widths[0], row[1], widths[1],
                       row[2], widths[2], row[3]);
  return out;
}

std::string doc_text(const Entry& entry) {
  auto out = fmt::format("{} ({}): {}\n", entry.name, entry.kind, entry.summary);
  if (!entry.aliases.empty())
    out += fmt::format("also called: {}\n", fmt::join(entry.aliases, ", "));
  if (entry.schema->settings.empty()) return out + "\nno settings\n";
  out += "\n" + table(entry.schema->settings);
  if (entry.schema->unknown == Unknown::warning)
    out += "\nOther settings are passed over with a warning.\n";
  return out;
}

Value doc_json(const Setting& setting) {
  Object out{
      {"name", setting.name()},        {"type", to_string(setting.type())},
      {"meaning", setting.meaning()},  {"required", setting.is_required()},
      {"secret", setting.is_secret()}, {"default", setting.default_value().value_or(Value())}};
  if (!setting.choices().empty()) out["choices"] = boost::json::value_from(setting.choices());
  if (std::isfinite(setting.least())) out["least"] = setting.least();
  if (std::isfinite(setting.most())) out["most"] = setting.most();
  return out;
}

Object summary_json(const Entry& entry) {
  return {{"kind", entry.kind},
          {"name", entry.name},
          {"aliases", boost::json::value_from(entry.aliases)},
          {"summary", entry.summary}};
}

Value doc_json(const Entry& entry) {
  auto out = summary_json(entry);
  Array settings;
  for (const auto& setting : entry.schema->settings) settings.push_back(doc_json(setting));
  out["settings"] = std::move(settings);
  return out;
}

std::string list_text(const std::vector<Entry>& entries) {
  std::size_t width = 0;
  for (const auto& entry : entries) width = std::max(width, entry.name.size());
  std::string out;
  std::string_view kind;
  for (const auto& entry : entries) {
    if (entry.kind != kind) out += fmt::format("{}{}s:\n", out.empty() ? "" : "\n", entry.kind);
    kind = entry.kind;
    out += fmt::format("  {:<{}}  {}\n", entry.name, width, entry.summary);
  }
  return out;
}

}  // namespace

int plugin_list(const PluginListArguments& arguments) {
  const auto registry = daemon::builtin_registry();
  const auto entries = entries_of(registry);
  if (arguments.names_only) {
    std::string names;
    for (const auto& entry : entries) names += entry.name + "\n";
    return print_result(names);
  }
  if (arguments.form == OutputForm::text) return print_result(list_text(entries));
  Array all;
  for (const auto& entry : entries) all.push_back(summary_json(entry));
  return print_result(to_pretty_json(Value(std::move(all))) + "\n");
}

int plugin_doc(const PluginDocArguments& arguments) {
  const auto registry = daemon::builtin_registry();
  const auto found = find_entries(registry, arguments.name);
  if (found.empty()) {
    std::vector<std::string> names;
    for (const auto& entry : entries_of(registry)) names.push_back(entry.name);
    return print_failure(fmt::format("no source, filter or action is called `{}`{}", arguments.name,
                                     near_miss(arguments.name, names)));
  }
  if (arguments.form == OutputForm::json) {
    Array all;
    for (const auto& entry : found) all.push_back(doc_json(entry));
    return print_result(to_pretty_json(Value(std::move(all))) + "\n");
  }
  std::string out;
  for (const auto& entry : found) out += (out.empty() ? "" : "\n") + doc_text(entry);
  return print_result(out);
}

}  // namespace millrace::cli
