// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/diagnostic.hpp"
#include "millrace/event/yaml.hpp"
#include "test_time.hpp"

namespace millrace::cli {

/// Reports that `what` is not what it must be.
void report_wrong_type(Diagnostics& diagnostics, const YamlNode& node, std::string_view what,
                       std::string_view expected, std::string hint = {});

/// A text and where it stands.
struct LocatedText {
  std::string text;
  Location where;
};

/// Reads the keys of one mapping of a test file; reports those that are of the wrong type, are
/// missing, or were never asked for.
class Fields {
 public:
  /// `what` names the mapping in messages: "a case". It must be a mapping.
  Fields(const YamlNode& mapping, std::string what, Diagnostics& diagnostics)
      : mapping_(mapping), what_(std::move(what)), diagnostics_(diagnostics) {}

  /// The key's value, or nullptr. The key counts as known from now on, as with every function
  /// below.
  const YamlNode* find(std::string_view key);
  /// Reports a key that is missing.
  const YamlNode* get(std::string_view key, std::string hint);

  /// nullptr for a key that is missing or has no list.
  const std::vector<YamlNode>* find_list(std::string_view key) { return list(find(key), key); }
  const std::vector<YamlNode>* get_list(std::string_view key, std::string hint) {
    return list(get(key, std::move(hint)), key);
  }
  std::optional<LocatedText> find_text(std::string_view key) { return text(find(key), key); }
  std::optional<LocatedText> get_text(std::string_view key, std::string hint) {
    return text(get(key, std::move(hint)), key);
  }
  /// One text or a list of them.
  std::optional<std::vector<LocatedText>> find_texts(std::string_view key);
  std::optional<TestTime> find_time(std::string_view key);
  bool find_boolean(std::string_view key, bool otherwise);

  /// Reports the keys that nobody asked for.
  void finish();

 private:
  const std::vector<YamlNode>* list(const YamlNode* node, std::string_view key);
  std::optional<LocatedText> text(const YamlNode* node, std::string_view key);

  const YamlNode& mapping_;
  const std::string what_;
  Diagnostics& diagnostics_;
  std::vector<std::string> known_;
};

}  // namespace millrace::cli
