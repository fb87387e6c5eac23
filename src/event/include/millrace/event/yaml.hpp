// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/diagnostic.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace {

/// A node of a YAML text, with its place, so that whoever reads it can say where a fault is.
struct YamlNode {
  enum class Kind { scalar, sequence, mapping };
  enum class Style { plain, quoted, block };
  struct Entry;

  Kind kind = Kind::scalar;
  Location where;    ///< first character of the node; length of a scalar on one line
  Value scalar;      ///< typed as PyYAML's safe loader does; keys too
  std::string text;  ///< a scalar as written, before typing (unescaped, without quotes)
  Style style = Style::plain;
  std::vector<YamlNode> items;  ///< of a sequence
  std::vector<Entry> entries;   ///< of a mapping, in order; of duplicate keys only the last, at the
                                ///< place of the first

  bool is_null() const { return kind == Kind::scalar && scalar.is_null(); }
  bool is_string() const { return kind == Kind::scalar && scalar.is_string(); }
  bool is_mapping() const { return kind == Kind::mapping; }
  bool is_sequence() const { return kind == Kind::sequence; }
  /// The value of a key, or nullptr. Keys that are not strings are found by their written text.
  const YamlNode* find(std::string_view key) const;
};

struct YamlNode::Entry {
  YamlNode key;
  YamlNode value;
};

struct YamlLimits {
  std::size_t bytes = std::size_t{16}
                      << 20;      ///< of the text, and of all scalars that aliases repeat
  std::size_t depth = 128;        ///< the parser's own bound is about 500
  std::size_t nodes = 1'000'000;  ///< after expansion of aliases
};

/// Reads one YAML document (a second one is an error), YAML 1.1 scalars as PyYAML's safe loader
/// types them: yes/no/on/off, octal, sexagesimal, .inf, null, merge keys; timestamps stay strings.
/// An empty text is null. Faults go to `diagnostics` (syntax, unknown tag, undefined alias, limits
/// as errors; duplicate keys as warnings). At most 100 faults are reported. nullptr if there was an
/// error.
std::unique_ptr<YamlNode> parse_yaml(std::string_view text, const std::string& file,
                                     Diagnostics& diagnostics, const YamlLimits& limits = {});

/// The node as JSON; keys that are not strings become their written text.
Value to_value(const YamlNode& node);

/// parse_yaml() and to_value() for data files; the first fault as an Error (invalid_settings) that
/// names the place.
Result<Value> parse_yaml_value(std::string_view text, const std::string& file,
                               const YamlLimits& limits = {});

}  // namespace millrace
