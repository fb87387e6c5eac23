// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "commands.hpp"
#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/plugin/discovery.hpp"
#include "millrace/plugin/python_documentation.hpp"
#include "plugin_catalogue.hpp"
#include "report.hpp"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

struct Checked {
  fs::path file;
  std::string name;
  std::optional<PluginFile::Form> form;
  PythonDocumentation documentation;
  std::vector<PluginEntry> extensions;  // of a plugin that was loaded
  Diagnostics diagnostics;
  std::map<std::string, std::string> texts;

  Location whole() const { return {.file = file.string()}; }
};

// Python reads UTF-8 unless the first two lines say otherwise.
void check_encoding(const std::string& text, Checked& checked) {
  std::size_t number = 0;
  for (const auto line : split(text, '\n')) {
    ++number;
    if (number <= 2 && line.starts_with('#') && line.contains("coding")) return;
    if (valid_utf8(line) == line && !line.contains('\0')) continue;
    checked.diagnostics.error("bad-encoding",
                              {.file = checked.file.string(), .line = number, .column = 1},
                              "this line is no UTF-8 text: Python would not read the file");
    return;
  }
}

void check_source(const PythonOutline& outline, const Location& place, Checked& checked) {
  if (outline.entry == PythonOutline::Entry::function)
    checked.diagnostics.error(
        "not-a-coroutine", place,
        fmt::format("Entrypoint from {} is not a coroutine function.", checked.name),
        "write `async def main(queue, args)`");
  if (outline.entry != PythonOutline::Entry::other && outline.parameters.size() < 2)
    checked.diagnostics.warning("wrong-parameters", place,
                                "main is called with two arguments, the queue and the settings",
                                "write `async def main(queue, args)`");
}

void check_filter(const PythonOutline& outline, const Location& place, Checked& checked) {
  if (outline.entry == PythonOutline::Entry::coroutine)
    checked.diagnostics.error("coroutine-filter", place,
                              fmt::format("the filter {} is a coroutine function", checked.name),
                              "write `def main(event, …)`");
  if (outline.entry != PythonOutline::Entry::other && outline.parameters.empty())
    checked.diagnostics.warning("wrong-parameters", place,
                                "main is called with the event and the settings by name",
                                "write `def main(event, …)`");
}

void check_entry(const PythonOutline& outline, Checked& checked) {
  auto place = outline.entry_place;
  place.file = checked.file.string();
  if (!checked.form) {
    checked.diagnostics.error(
        "no-entry-point", checked.whole(),
        fmt::format("Entrypoint missing. Source module {} must have function 'main'.",
                    checked.name),
        "a source is `async def main(queue, args)`, a filter `def main(event, …)`; any other "
        "plugin imports `millrace`");
    return;
  }
  if (checked.form == PluginFile::Form::source) check_source(outline, place, checked);
  if (checked.form == PluginFile::Form::filter) check_filter(outline, place, checked);
  if (checked.form == PluginFile::Form::python) {
    if (!outline.makes_plugin && checked.file.filename() != "__init__.py")
      checked.diagnostics.warning("no-plugin", checked.whole(),
                                  "the file imports millrace and makes no millrace.Plugin");
  } else if (outline.entry == PythonOutline::Entry::other) {
    checked.diagnostics.warning("unseen-entry-point", place,
                                "main is not defined here: only running it tells whether it fits");
  }
}

// A folder that is no package: its plugins are checked one by one.
void tell_of_folder(const fs::path& folder, Checked& checked) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const auto extension = entry.path().extension();
    if (extension == ".py" || extension == ".so") names.push_back(entry.path().string());
  }
  std::ranges::sort(names);
  checked.diagnostics.error(
      "no-package", {.file = folder.string()}, "the folder has no __init__.py: it is no package",
      names.empty() ? "" : fmt::format("check its files: {}", fmt::join(names, ", ")));
}

void check_python(Checked& checked) {
  auto text = read_file(checked.file);
  if (!text) {
    checked.diagnostics.error("unreadable-file", checked.whole(), text.error().message());
    return;
  }
  check_encoding(*text, checked);
  const auto outline = outline_python(*text);
  checked.form = form_of_python(checked.file, outline);
  // A package may import millrace in any of its files.
  if (checked.file.filename() == "__init__.py") checked.form = PluginFile::Form::python;
  check_entry(outline, checked);
  checked.documentation = document_python(outline, checked.file.string(), checked.diagnostics);
  if (checked.form && *checked.form != PluginFile::Form::python && !outline.documentation)
    checked.diagnostics.warning("not-documented", checked.whole(),
                                "there is no DOCUMENTATION: settings cannot be checked before the "
                                "plugin runs");
  checked.texts.emplace(checked.file.string(), std::move(*text));
}

void check_native(Checked& checked) {
  checked.form = PluginFile::Form::native;
  if (const auto good = check_shared_object(checked.file); !good)
    checked.diagnostics.error("no-plugin", checked.whole(), good.error().message());
}

void try_to_load(const LoadPlugin& load, Checked& checked) {
  const auto form = checked.form.value_or(PluginFile::Form::source);
  const bool is_loaded = form == PluginFile::Form::native || form == PluginFile::Form::python;
  if (!load || !is_loaded || checked.diagnostics.has_errors()) return;
  const auto loaded = load({checked.name, form, checked.file, "command line"});
  if (loaded) {
    checked.documentation.summary = loaded->summary;
    checked.extensions = entries_of(*loaded, "command line");
  } else {
    checked.diagnostics.error("load-failed", checked.whole(), loaded.error().message());
  }
}

Checked check_file(const fs::path& file, const LoadPlugin& load) {
  Checked checked;
  std::error_code ignored;
  checked.file = file.filename().empty() ? file.parent_path() : file;
  checked.name = checked.file.stem().string();
  const bool is_folder = fs::is_directory(checked.file, ignored);
  if (is_folder && !fs::exists(checked.file / "__init__.py", ignored)) {
    tell_of_folder(checked.file, checked);
    return checked;
  }
  if (is_folder) checked.file /= "__init__.py";
  if (checked.file.extension() == ".py") {
    check_python(checked);
  } else if (checked.file.extension() == ".so") {
    check_native(checked);
  } else {
    checked.diagnostics.error(
        "no-plugin", checked.whole(),
        "a plugin is a Python file (.py), a package or a shared object (.so)");
  }
  try_to_load(load, checked);
  checked.diagnostics.sort();
  return checked;
}

// "x.py: ok, a source, 12 settings documented, 1 warning".
std::string verdict_text(const Checked& checked) {
  auto out = fmt::format("{}: ok, a {}", checked.file.string(), to_string(*checked.form));
  const auto add_count = [&](std::size_t count, std::string_view what, std::string_view rest) {
    out += fmt::format(", {} {}{}{}", count, what, count == 1 ? "" : "s", rest);
  };
  if (checked.documentation.schema && *checked.form != PluginFile::Form::python)
    add_count(checked.documentation.schema->settings.size(), "setting", " documented");
  if (!checked.extensions.empty()) add_count(checked.extensions.size(), "extension", "");
  const auto warnings = checked.diagnostics.items().size();
  if (warnings > 0) add_count(warnings, "warning", "");
  out += "\n";
  for (const auto& extension : checked.extensions)
    out += fmt::format("  {} {}\n", extension.kind, extension.name);
  return printable(out);
}

std::string verdict_json(const Checked& checked) {
  PluginEntry entry;
  entry.schema = checked.documentation.schema;
  Object out{{"ok", !checked.diagnostics.has_errors()},
             {"file", checked.file.string()},
             {"name", checked.name},
             {"form", checked.form ? Value(to_string(*checked.form)) : Value()},
             {"summary", checked.documentation.summary},
             {"settings", doc_json(entry)["settings"]}};
  Array extensions;
  for (const auto& extension : checked.extensions) extensions.push_back(doc_json(extension));
  out["extensions"] = std::move(extensions);
  Array diagnostics;
  for (const auto& item : checked.diagnostics.items()) diagnostics.push_back(to_json_value(item));
  out["diagnostics"] = std::move(diagnostics);
  return to_pretty_json(Value(std::move(out))) + "\n";
}

}  // namespace

int plugin_check(const PluginCheckArguments& arguments, const LoadPlugin& load) {
  const auto checked = check_file(arguments.file, load);
  const auto verdict = checked.diagnostics.has_errors() ? 1 : 0;
  std::string text;
  if (arguments.form == OutputForm::json) {
    text = verdict_json(checked);
  } else {
    print_diagnostics(checked.diagnostics, checked.texts);
    if (verdict == 0) text = verdict_text(checked);
  }
  const auto printed = print_result(text);
  return printed != 0 ? printed : verdict;
}

}  // namespace millrace::cli
