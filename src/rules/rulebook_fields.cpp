// SPDX-License-Identifier: Apache-2.0
#include "rulebook_fields.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "millrace/base/text.hpp"

namespace millrace::rules {
namespace {

constexpr std::size_t kShown = 40;  // characters of a text in a message

std::string shortened(std::string_view text) {
  if (text.size() <= kShown) return printable(text);
  return printable(text.substr(0, kShown)) + "...";
}

}  // namespace

std::string describe(const YamlNode& node) {
  if (node.is_sequence()) return node.items.empty() ? "an empty list" : "a list";
  if (node.is_mapping()) return "a mapping";
  if (node.is_null()) return "nothing";
  if (node.is_string()) return fmt::format("the text \"{}\"", shortened(node.text));
  const auto kind = node.scalar.is_bool() ? "the boolean" : "the number";
  return fmt::format("{} {}", kind, shortened(node.text));
}

void wrong_type(Diagnostics& diagnostics, const YamlNode& node, std::string_view what,
                std::string_view expected, std::string hint) {
  diagnostics.error("wrong-type", node.where,
                    fmt::format("{} must be {}, not {}", what, expected, describe(node)),
                    std::move(hint));
}

const YamlNode* Fields::find(std::string_view key) {
  known_.emplace_back(key);
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

bool Fields::boolean(std::string_view key, bool otherwise) {
  const YamlNode* node = find(key);
  if (node == nullptr) return otherwise;
  if (node->kind == YamlNode::Kind::scalar && node->scalar.is_bool()) {
    return node->scalar.get_bool();
  }
  wrong_type(diagnostics_, *node, fmt::format("`{}`", key), "true or false");
  return otherwise;
}

const std::vector<YamlNode>* Fields::list(const YamlNode* node, std::string_view key) {
  if (node == nullptr) return nullptr;
  if (node->is_sequence()) return &node->items;
  wrong_type(diagnostics_, *node, fmt::format("`{}`", key), "a list",
             node->is_null() ? fmt::format("an empty list is written {}: []", key)
                             : "every item of a list begins with `- `");
  return nullptr;
}

std::optional<std::string> Fields::string(const YamlNode* node, std::string_view key) {
  if (node == nullptr) return std::nullopt;
  if (node->is_string()) return node->text;
  const bool scalar = node->kind == YamlNode::Kind::scalar && !node->is_null();
  wrong_type(diagnostics_, *node, fmt::format("`{}`", key), "a text",
             scalar ? fmt::format("put it in quotes: \"{}\"", shortened(node->text)) : "");
  return std::nullopt;
}

std::optional<Span> Fields::span(const YamlNode* node, std::string_view key, Units units) {
  if (node == nullptr) return std::nullopt;
  if (node->is_string()) {
    if (auto span = parse_span(node->text, units)) {
      span->where = node->where;
      return span;
    }
  }
  const auto smallest = units == Units::with_milliseconds ? "milliseconds, " : "";
  diagnostics_.error(
      "bad-duration", node->where,
      fmt::format("`{}` must be a duration such as \"10 seconds\", not {}", key, describe(*node)),
      fmt::format("a whole number, one blank, and a unit: {}seconds, minutes, hours or days",
                  smallest));
  return std::nullopt;
}

std::size_t Fields::finish() {
  std::size_t unknown = 0;
  for (const auto& [key, value] : mapping_.entries) {
    if (std::ranges::find(known_, key.text) != known_.end()) continue;
    ++unknown;
    auto hint = did_you_mean(key.text, known_);
    if (hint.empty()) hint = fmt::format("the keys of {} are {}", what_, fmt::join(known_, ", "));
    diagnostics_.error("unknown-key", key.where,
                       fmt::format("unknown key `{}` in {}", shortened(key.text), what_),
                       std::move(hint));
  }
  return unknown;
}

}  // namespace millrace::rules
