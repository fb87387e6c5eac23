// SPDX-License-Identifier: Apache-2.0
#include "event_file.hpp"

#include <fmt/format.h>

#include "millrace/base/files.hpp"
#include "millrace/event/yaml.hpp"

namespace millrace::file {
namespace {

std::string place(const Location& where) {
  return fmt::format("{}:{}:{}", where.file, where.line, where.column);
}

std::string_view kind_of(const YamlNode& node) {
  if (node.is_sequence()) return "a list";
  if (node.is_string()) return "a string";
  return node.is_null() ? "nothing" : "a scalar";
}

// One line for all of them: a long list of strings must not flood the log.
void report(const std::vector<const YamlNode*>& refused, FileContent& content) {
  if (refused.empty()) return;
  const auto& first = *refused.front();
  auto problem =
      fmt::format("{}: an event must be an object, not {}", place(first.where), kind_of(first));
  if (const auto others = refused.size() - 1; others > 0) {
    problem +=
        fmt::format("; so must {} more {} of the file", others, others == 1 ? "entry" : "entries");
  }
  content.problems.push_back(std::move(problem));
}

}  // namespace

FileContent parse_events(std::string_view text, const std::string& name) {
  FileContent content;
  Diagnostics diagnostics;
  const auto root = parse_yaml(text, name, diagnostics);
  for (const auto& fault : diagnostics.items()) {
    if (fault.severity != Severity::error) continue;
    content.problems.push_back(fmt::format("{}: {}", place(fault.where), fault.message));
    break;  // the others follow from the first
  }
  if (root == nullptr || root->is_null()) return content;

  std::vector<const YamlNode*> refused;
  const auto take = [&](const YamlNode& node) {
    if (node.is_mapping()) {
      content.events.push_back(to_value(node));
    } else {
      refused.push_back(&node);
    }
  };
  if (root->is_sequence()) {
    for (const auto& item : root->items) take(item);
  } else {
    take(*root);
  }
  report(refused, content);
  return content;
}

FileContent read_events(const std::string& path) {
  const auto text = read_file(path);
  if (text) return parse_events(*text, path);
  if (text.error().code() == Errc::not_found) return {};
  return {.events = {}, .problems = {text.error().message()}};
}

}  // namespace millrace::file
