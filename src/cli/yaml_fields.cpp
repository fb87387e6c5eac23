// SPDX-License-Identifier: Apache-2.0
#include "yaml_fields.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "millrace/base/text.hpp"

namespace millrace::cli {
namespace {

constexpr std::size_t kShown = 40;  // bytes of a text in a message

std::string shortened(std::string_view text) {
  if (text.size() <= kShown) return printable(text);
  return printable(text.substr(0, kShown)) + "...";
}

std::string describe(const YamlNode& node) {
  if (node.is_sequence()) return "a list";
  if (node.is_mapping()) return "a mapping";
  if (node.is_null()) return "nothing";
  if (node.is_string()) return fmt::format("the text \"{}\"", shortened(node.text));
  return fmt::format("{} {}", node.scalar.is_bool() ? "the boolean" : "the number",
                     shortened(node.text));
}

}  // namespace

void report_wrong_type(Diagnostics& diagnostics, const YamlNode& node, std::string_view what,
                       std::string_view expected, std::string hint) {
  diagnostics.error("wrong-type", node.where,
                    fmt::format("{} must be {}, not {}", what, expected, describe(node)),
                    std::move(hint));
}

const YamlNode* Fields::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
  return mapping_.find(key);
}

const YamlNode* Fields::get(std::string_view key, std::string hint) {
  const YamlNode* found = find(key);
  if (found == nullptr) {
    diagnostics_.error("missing-key", mapping_.where, fmt::format("{} has no `{}`", what_, key),
                       std::move(hint));
  }
  return found;
}

const std::vector<YamlNode>* Fields::list(const YamlNode* node, std::string_view key) {
  if (node == nullptr) return nullptr;
  if (node->is_sequence()) return &node->items;
  report_wrong_type(diagnostics_, *node, fmt::format("`{}`", key), "a list",
                    node->is_null() ? fmt::format("an empty list is written {}: []", key)
                                    : "every item of a list begins with `- `");
  return nullptr;
}

std::optional<LocatedText> Fields::text(const YamlNode* node, std::string_view key) {
  if (node == nullptr) return std::nullopt;
  if (node->is_string()) return LocatedText{node->text, node->where};
  const bool scalar = node->kind == YamlNode::Kind::scalar && !node->is_null();
  report_wrong_type(diagnostics_, *node, fmt::format("`{}`", key), "a text",
                    scalar ? fmt::format("put it in quotes: \"{}\"", shortened(node->text)) : "");
  return std::nullopt;
}

std::optional<std::vector<LocatedText>> Fields::find_texts(std::string_view key) {
  const auto* node = find(key);
  if (node == nullptr) return std::nullopt;
  std::vector<LocatedText> texts;
  if (!node->is_sequence()) {
    if (auto only = text(node, key)) texts.push_back(std::move(*only));
    return texts;
  }
  for (const auto& item : node->items) {
    if (auto one = text(&item, key)) texts.push_back(std::move(*one));
  }
  return texts;
}

std::optional<TestTime> Fields::find_time(std::string_view key) {
  const auto* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto time = parse_test_time(*node)) return time;
  diagnostics_.error(
      "bad-duration", node->where,
      fmt::format("`{}` must be a time such as \"1 minute 30 seconds\", not {}", key,
                  describe(*node)),
      "whole numbers with units (milliseconds, seconds, minutes, hours, days), or a number of "
      "seconds; 100 years at most");
  return std::nullopt;
}

bool Fields::find_boolean(std::string_view key, bool otherwise) {
  const auto* node = find(key);
  if (node == nullptr) return otherwise;
  if (node->kind == YamlNode::Kind::scalar && node->scalar.is_bool())
    return node->scalar.get_bool();
  report_wrong_type(diagnostics_, *node, fmt::format("`{}`", key), "true or false");
  return otherwise;
}

void Fields::finish() {
  for (const auto& [key, value] : mapping_.entries) {
    if (std::ranges::find(known_, key.text) != known_.end()) continue;
    auto hint = did_you_mean(key.text, known_);
    if (hint.empty()) hint = fmt::format("the keys of {} are {}", what_, fmt::join(known_, ", "));
    diagnostics_.error("unknown-key", key.where,
                       fmt::format("unknown key `{}` in {}", shortened(key.text), what_),
                       std::move(hint));
  }
}

}  // namespace millrace::cli
