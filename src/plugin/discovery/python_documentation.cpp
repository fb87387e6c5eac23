// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/python_documentation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <span>
#include <utility>

#include "millrace/base/text.hpp"
#include "setting_check.hpp"

namespace millrace {
namespace {

constexpr YamlLimits kLimits = {.bytes = std::size_t{1} << 20, .depth = 32, .nodes = 20'000};
constexpr auto* kFeedback = "feedback";  // taken from any source by the engine itself

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : printable(trim(text))) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!blank) {
      out += c;
    } else if (!out.ends_with(' ')) {
      out += ' ';
    }
  }
  return out;
}

std::string written(const YamlNode& node) {
  return node.kind == YamlNode::Kind::scalar ? one_line(without_markup(node.text)) : std::string();
}

// A text or a list of texts.
std::vector<std::string> paragraphs(const YamlNode* node) {
  std::vector<std::string> out;
  if (node == nullptr || node->is_null()) return out;
  if (node->is_sequence()) {
    for (const auto& item : node->items) {
      if (auto text = written(item); !text.empty()) out.push_back(std::move(text));
    }
  } else if (auto text = written(*node); !text.empty()) {
    out.push_back(std::move(text));
  }
  return out;
}

bool is_true(const YamlNode* node) {
  return node != nullptr && node->kind == YamlNode::Kind::scalar && node->scalar.is_bool() &&
         node->scalar.get_bool();
}

std::string text_at(const YamlNode& node, std::string_view key) {
  const auto* found = node.find(key);
  return found == nullptr ? std::string() : written(*found);
}

SettingType type_of(const YamlNode& option) {
  const auto type = text_at(option, "type");
  if (type == "str" || type == "string" || type == "path") return SettingType::string;
  if (type == "int" || type == "integer") return SettingType::integer;
  if (type == "float") return SettingType::number;
  if (type == "bool" || type == "boolean") return SettingType::boolean;
  if (type == "dict") return SettingType::object;
  if (type == "list") {
    const auto elements = text_at(option, "elements");
    return elements == "str" || elements == "path" ? SettingType::strings : SettingType::list;
  }
  return SettingType::any;
}

std::vector<std::string> choices_of(const YamlNode& option) {
  const auto* node = option.find("choices");
  std::vector<std::string> out;
  if (node == nullptr) return out;
  for (const auto& item : node->items) {
    if (item.kind == YamlNode::Kind::scalar) out.push_back(item.text);
  }
  for (const auto& [key, meaning] : node->entries) out.push_back(key.text);
  return out;
}

Setting with_default(Setting setting, const YamlNode* given) {
  if (given == nullptr || given->is_null()) return setting;
  // A default that is not of the declared type would be a bug of ours; here it is the plugin's.
  auto value = to_value(*given);
  if (!check_given(setting, value, Templates::are_text)) return setting;
  return std::move(setting).by_default(std::move(value));
}

// Old plugins put the meaning in the option's place.
Setting setting_of(const std::string& name, const YamlNode& option) {
  const auto meaning = paragraphs(option.is_mapping() ? option.find("description") : &option);
  Setting open =
      Setting(printable(name), type_of(option), fmt::format("{}", fmt::join(meaning, " ")))
          .one_of(choices_of(option));
  Setting setting = is_true(option.find("no_log")) ? std::move(open).secret() : std::move(open);
  if (is_true(option.find("required"))) return std::move(setting).required();
  return with_default(std::move(setting), option.find("default")).nullable();
}

SettingsSchema schema_of(const YamlNode& options) {
  SettingsSchema schema;
  schema.unknown = Unknown::warning;
  for (const auto& [key, option] : options.entries)
    schema.settings.push_back(setting_of(key.text, option));
  return schema;
}

// What is wrong there keeps no plugin from running.
void tell_as_warning(const Diagnostics& found, const PythonOutline::Text& text,
                     const std::string& file, Diagnostics& diagnostics) {
  for (const auto& item : found.items()) {
    if (item.severity != Severity::error) continue;
    auto where = item.where;
    where.file = file;
    where.line = where.line == 0 ? text.line : where.line + text.line - 1;
    diagnostics.warning("bad-documentation", std::move(where),
                        fmt::format("DOCUMENTATION cannot be read: {}", item.message), item.hint);
    return;
  }
}

void read_documentation(const PythonOutline::Text& text, const std::string& file,
                        PythonDocumentation& out, Diagnostics& diagnostics) {
  Diagnostics found;
  const auto root = parse_yaml(text.text, file, found, kLimits);
  const YamlNode* options = root == nullptr ? nullptr : root->find("options");
  if (root != nullptr && !root->is_mapping()) {
    found.error("bad-documentation", {.line = 1}, "it must be a mapping");
  } else if (options != nullptr && !options->is_mapping() && !options->is_null()) {
    found.error("bad-documentation", options->where, "options must be a mapping");
  }
  if (root != nullptr && root->is_mapping()) {
    out.summary = fmt::format("{}", fmt::join(paragraphs(root->find("short_description")), " "));
    out.text = paragraphs(root->find("description"));
    out.notes = paragraphs(root->find("notes"));
  }
  if (found.has_errors()) {
    tell_as_warning(found, text, file, diagnostics);
  } else {
    out.schema = options == nullptr ? SettingsSchema{{}, Unknown::warning} : schema_of(*options);
  }
}

// Blank lines around and the indentation that all lines share are taken away.
std::string dedented(std::string_view text) {
  const auto is_empty = [](std::string_view line) { return trim(line).empty(); };
  const auto all = split(text, '\n');
  const auto first = std::ranges::find_if_not(all, is_empty);
  const auto last = std::find_if_not(all.rbegin(), std::make_reverse_iterator(first), is_empty);
  const std::span lines(first, last.base());
  std::size_t shared = std::string_view::npos;
  for (const auto line : lines) {
    if (!is_empty(line)) shared = std::min(shared, line.find_first_not_of(" \t"));
  }
  std::string out;
  for (const auto line : lines)
    out += fmt::format("{}\n", is_empty(line) ? std::string_view() : line.substr(shared));
  return printable(out);
}

// First paragraph, then the others, lines kept: lists of arguments are tables there.
void read_docstring(const std::string& text, PythonDocumentation& out) {
  std::string_view rest = text;
  const auto begin = rest.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return;
  rest.remove_prefix(begin);
  const auto end = std::min(rest.find("\n\n"), rest.size());
  out.summary = one_line(rest.substr(0, end));
  if (auto more = dedented(rest.substr(end)); !more.empty())
    out.text.push_back(more.substr(0, more.size() - 1));
}

}  // namespace

PythonDocumentation document_python(const PythonOutline& outline, const std::string& file,
                                    Diagnostics& diagnostics) {
  PythonDocumentation out;
  if (outline.documentation) read_documentation(*outline.documentation, file, out, diagnostics);
  if (!outline.documentation && outline.docstring) read_docstring(outline.docstring->text, out);
  if (outline.examples) out.examples = dedented(outline.examples->text);
  return out;
}

void warn_about_settings(const SettingsSchema& schema, const YamlNode& given, std::string_view what,
                         const Location& where, Diagnostics& diagnostics) {
  auto known = schema;
  known.settings.emplace_back(kFeedback, SettingType::any, std::string());
  Diagnostics found;
  check_settings(known, given, what, where, found);
  for (const auto& item : found.items()) {
    if (item.code == "unknown-setting" || item.code == "missing-setting")
      diagnostics.warning(item.code, item.where, item.message, item.hint);
  }
}

}  // namespace millrace
