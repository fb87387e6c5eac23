// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/diagnostic.hpp"
#include "millrace/event/yaml.hpp"
#include "millrace/plugin/settings.hpp"

namespace millrace {

/// What the text of a Python file says of itself at its top level. Nothing of it is run, and names
/// that are made at run time are not seen.
struct PythonOutline {
  /// A constant of text.
  struct Text {
    std::string text;      ///< as Python would read it, indentation kept
    std::size_t line = 0;  ///< of its first character
  };
  enum class Entry {
    none,
    function,   ///< `def main(…)`
    coroutine,  ///< `async def main(…)`
    other,      ///< imported, assigned, or defined under a condition: only running tells
  };
  std::optional<Text> docstring;
  std::optional<Text> documentation;  ///< DOCUMENTATION
  std::optional<Text> examples;       ///< EXAMPLES
  Entry entry = Entry::none;
  Location entry_place;                 ///< without file
  std::vector<std::string> parameters;  ///< of `main`, without stars and defaults
  bool imports_millrace = false;        ///< `import millrace`, `from millrace import …`
  bool makes_plugin = false;            ///< calls millrace.Plugin, or Plugin
};
PythonOutline outline_python(std::string_view text);

/// Documentation of a plugin, markup turned into plain text.
struct PythonDocumentation {
  std::string summary;            ///< one sentence; may be empty
  std::vector<std::string> text;  ///< paragraphs
  std::vector<std::string> notes;
  std::string examples;
  /// What the documentation says the plugin takes; nothing if it does not say it. Not to be
  /// trusted as truth: for warn_about_settings() and for showing.
  std::optional<SettingsSchema> schema;
};

/// From DOCUMENTATION and EXAMPLES, or the docstring of old plugins. Faults in it are warnings,
/// with their place in `file`; the schema is missing then.
PythonDocumentation document_python(const PythonOutline& outline, const std::string& file,
                                    Diagnostics& diagnostics);

/// Warns of settings that the documentation does not name and of those that it requires and that
/// are missing; the rest is left to the plugin. Parameters as of check_settings().
void warn_about_settings(const SettingsSchema& schema, const YamlNode& given, std::string_view what,
                         const Location& where, Diagnostics& diagnostics);

/// `text` with Ansible's markup, `O(host)`, `V(true)`, `U(https://…)`, as plain text.
std::string without_markup(std::string_view text);

}  // namespace millrace
