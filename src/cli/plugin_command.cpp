// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string>
#include <vector>

#include "commands.hpp"
#include "millrace/event/json.hpp"
#include "plugin_catalogue.hpp"
#include "report.hpp"

namespace millrace::cli {
namespace {

int print_json(Array all) { return print_result(to_pretty_json(Value(std::move(all))) + "\n"); }

}  // namespace

int plugin_list(const PluginListArguments& arguments, const LoadPlugin& load) {
  PluginCatalogue catalogue(arguments.plugins, arguments.names_only ? LoadPlugin() : load);
  const auto entries = catalogue.all();
  if (arguments.names_only) {
    std::string names;
    for (const auto& entry : entries) names += entry.name + "\n";
    return print_result(names);
  }
  if (arguments.form == OutputForm::text) return print_result(list_text(entries));
  Array all;
  for (const auto& entry : entries) all.push_back(summary_json(entry));
  return print_json(std::move(all));
}

int plugin_doc(const PluginDocArguments& arguments, const LoadPlugin& load) {
  PluginCatalogue catalogue(arguments.plugins, load);
  std::string failure;
  const auto found = catalogue.find(arguments.name, failure);
  if (found.empty()) {
    if (!failure.empty()) return print_failure(failure);
    std::vector<std::string> names;
    for (const auto& entry : catalogue.all()) names.push_back(entry.name);
    return print_failure(fmt::format("no source, filter or action is called `{}`{}", arguments.name,
                                     near_miss(arguments.name, names)));
  }
  if (arguments.form == OutputForm::json) {
    Array all;
    for (const auto& entry : found) all.push_back(doc_json(entry));
    return print_json(std::move(all));
  }
  std::string out;
  for (const auto& entry : found) out += (out.empty() ? "" : "\n") + doc_text(entry);
  return print_result(out);
}

}  // namespace millrace::cli
