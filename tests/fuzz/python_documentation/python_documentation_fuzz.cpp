// SPDX-License-Identifier: Apache-2.0
// Whatever a Python file holds, its outline and documentation are texts that can be shown, its
// schema is one that settings can be checked with, and all faults are warnings.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "millrace/base/text.hpp"
#include "millrace/plugin/discovery.hpp"
#include "millrace/plugin/python_documentation.hpp"

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

void require_shown(std::string_view text) { require(millrace::printable(text) == text); }

void check(const millrace::SettingsSchema& schema) {
  static_cast<void>(millrace::Settings::check(schema, {}).has_value());
  for (const auto& setting : schema.settings) {
    require_shown(setting.name());
    require_shown(setting.meaning());
  }
  millrace::Diagnostics diagnostics;
  const millrace::YamlNode nothing;
  millrace::warn_about_settings(schema, nothing, "source x", {}, diagnostics);
  require(!diagnostics.has_errors());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto outline = millrace::outline_python(text);
  for (const auto& parameter : outline.parameters) require(!parameter.empty());
  require((outline.entry == millrace::PythonOutline::Entry::none) ==
          (outline.entry_place.line == 0));
  static_cast<void>(millrace::form_of_python("x.py", outline));

  millrace::Diagnostics diagnostics;
  const auto documentation = millrace::document_python(outline, "x.py", diagnostics);
  require(!diagnostics.has_errors());
  for (const auto& fault : diagnostics.items())
    millrace::render(fault, text, millrace::Colour::off);
  require_shown(documentation.summary);
  require_shown(documentation.examples);
  for (const auto& paragraph : documentation.text) require_shown(paragraph);
  for (const auto& note : documentation.notes) require_shown(note);
  if (documentation.schema) check(*documentation.schema);
  millrace::without_markup(text);
  return 0;
}
