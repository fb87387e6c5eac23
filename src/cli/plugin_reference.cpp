// SPDX-License-Identifier: Apache-2.0
// How lists and references of plugins look.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "plugin_catalogue.hpp"
#include "report.hpp"

namespace millrace::cli {
namespace {

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
  return fmt::format("{}{}({})", setting.meaning(), setting.meaning().empty() ? "" : " ",
                     fmt::join(remarks, "; "));
}

std::string default_of(const Setting& setting) {
  if (setting.is_required()) return "required";
  return setting.default_value() ? to_json(*setting.default_value()) : "-";
}

// By columns of the terminal, which fmt's own widths are not.
std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(columns(text), width), ' ');
}

std::string table(const std::vector<Setting>& settings) {
  std::vector<std::array<std::string, 4>> rows = {{"setting", "type", "default", "meaning"}};
  for (const auto& setting : settings)
    rows.push_back({setting.name(), std::string(to_string(setting.type())), default_of(setting),
                    meaning_of(setting)});
  std::array<std::size_t, 3> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], columns(row[i]));
  }
  std::string out;
  for (const auto& row : rows)
    out += fmt::format("  {}  {}  {}  {}\n", padded(row[0], widths[0]), padded(row[1], widths[1]),
                       padded(row[2], widths[2]), row[3]);
  return printable(out);
}

std::string settings_text(const PluginEntry& entry) {
  if (!entry.schema)
    return entry.kind == "plugin" ? std::string() : "\nIts settings are not documented.\n";
  if (entry.schema->settings.empty()) return "\nno settings\n";
  auto out = "\n" + table(entry.schema->settings);
  if (entry.schema->unknown == Unknown::warning) out += "\nOther settings lead to a warning.\n";
  return out;
}

std::string indented(std::string_view text) {
  std::string out;
  for (const auto line : split(trim(text), '\n'))
    out += line.empty() ? "\n" : fmt::format("  {}\n", line);
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

}  // namespace

std::string list_text(const std::vector<PluginEntry>& entries) {
  std::size_t width = 0;
  for (const auto& entry : entries) width = std::max(width, columns(entry.name));
  std::string out;
  std::string_view kind;
  for (const auto& entry : entries) {
    if (entry.kind != kind) {
      out += fmt::format("{}{}{}:\n", out.empty() ? "" : "\n", entry.kind,
                         entry.kind.ends_with('s') ? "es" : "s");
    }
    kind = entry.kind;
    const auto from = entry.file.empty() ? std::string() : fmt::format("({})", entry.origin);
    out += fmt::format("  {}  {}{}{}\n", padded(entry.name, width), entry.summary,
                       entry.summary.empty() || from.empty() ? "" : " ", from);
  }
  return printable(out);
}

std::string doc_text(const PluginEntry& entry) {
  auto out = fmt::format("{} ({}){}{}\n", entry.name, entry.kind, entry.summary.empty() ? "" : ": ",
                         entry.summary);
  if (!entry.aliases.empty())
    out += fmt::format("also called: {}\n", fmt::join(entry.aliases, ", "));
  if (!entry.file.empty()) out += fmt::format("from: {}\nfile: {}\n", entry.origin, entry.file);
  for (const auto& paragraph : entry.text) out += fmt::format("\n{}\n", paragraph);
  out += settings_text(entry);
  if (!entry.notes.empty()) out += "\nNotes:\n";
  for (const auto& note : entry.notes) out += fmt::format("  - {}\n", note);
  if (!entry.examples.empty()) out += fmt::format("\nExamples:\n{}", indented(entry.examples));
  return printable(out);
}

Object summary_json(const PluginEntry& entry) {
  return {{"kind", entry.kind},
          {"name", entry.name},
          {"aliases", boost::json::value_from(entry.aliases)},
          {"summary", entry.summary},
          {"origin", entry.origin},
          {"file", entry.file.empty() ? Value() : Value(entry.file)}};
}

Object doc_json(const PluginEntry& entry) {
  auto out = summary_json(entry);
  out["text"] = boost::json::value_from(entry.text);
  out["notes"] = boost::json::value_from(entry.notes);
  out["examples"] = entry.examples;
  out["settings"] = nullptr;
  if (entry.schema) {
    Array settings;
    for (const auto& setting : entry.schema->settings) settings.push_back(doc_json(setting));
    out["settings"] = std::move(settings);
  }
  return out;
}

}  // namespace millrace::cli
