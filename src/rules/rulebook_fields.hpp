// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "condition_places.hpp"
#include "millrace/base/diagnostic.hpp"
#include "millrace/event/yaml.hpp"
#include "millrace/rules/rulebook.hpp"

namespace millrace::rules {

/// What every part of the loader needs.
struct Loading {
  const SourceText& file;
  const LoadOptions& options;
  Diagnostics& diagnostics;
};

/// What a node is, for messages: "a list", "the number 5".
std::string describe(const YamlNode& node);

/// Reports that `what` is not what it must be.
void wrong_type(Diagnostics& diagnostics, const YamlNode& node, std::string_view what,
                std::string_view expected, std::string hint = {});

/// Reads the keys of one mapping and reports those that are of the wrong type, are missing, or were
/// never asked for.
class Fields {
 public:
  /// `what` names the mapping in messages: "a rule".
  Fields(const YamlNode& mapping, std::string what, Diagnostics& diagnostics)
      : mapping_(mapping), what_(std::move(what)), diagnostics_(diagnostics) {}

  /// The key's value, or nullptr. The key counts as known from now on, as with every function
  /// below.
  const YamlNode* find(std::string_view key);
  /// Reports a key that is missing.
  const YamlNode* get(std::string_view key, std::string hint = {});

  bool boolean(std::string_view key, bool otherwise);
  const std::vector<YamlNode>* list(const YamlNode* node, std::string_view key);
  /// nullptr for a key that is missing or has no list.
  const std::vector<YamlNode>* find_list(std::string_view key) { return list(find(key), key); }
  const std::vector<YamlNode>* get_list(std::string_view key, std::string hint = {}) {
    return list(get(key, std::move(hint)), key);
  }
  std::optional<std::string> string(const YamlNode* node, std::string_view key);
  std::optional<std::string> find_string(std::string_view key) { return string(find(key), key); }
  std::optional<Span> span(const YamlNode* node, std::string_view key, Units units);

  /// Reports the keys that nobody asked for, and tells how many.
  std::size_t finish();

 private:
  const YamlNode& mapping_;
  std::string what_;
  Diagnostics& diagnostics_;
  std::vector<std::string> known_;
};

}  // namespace millrace::rules
