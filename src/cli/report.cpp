// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"

namespace millrace::cli {
namespace {

void write_error_text(std::string_view text) {
  static_cast<void>(write_all(STDERR_FILENO, text).has_value());  // nowhere left to complain
}

}  // namespace

int print_result(std::string_view text) {
  if (auto written = write_all(STDOUT_FILENO, text); !written)
    return print_failure(fmt::format("cannot write the result: {}", written.error().message()));
  return 0;
}

int print_failure(std::string_view why) {
  write_error_text(fmt::format("millrace: {}\n", printable(why)));
  return 1;
}

void print_note(std::string_view text) { write_error_text(text); }

std::string near_miss(std::string_view name, std::span<const std::string> candidates) {
  const auto hint = did_you_mean(name, candidates);
  return hint.empty() ? hint : "; " + hint;
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string render(const Diagnostics& diagnostics, const std::map<std::string, std::string>& texts,
                   Colour colour) {
  std::string out;
  for (const auto& item : diagnostics.items()) {
    const auto text = texts.find(item.where.file);
    out += render(item, text == texts.end() ? std::string_view() : text->second, colour);
  }
  return out;
}

void print_diagnostics(const Diagnostics& diagnostics,
                       const std::map<std::string, std::string>& texts) {
  const auto colour = ::isatty(STDERR_FILENO) == 1 ? Colour::on : Colour::off;
  write_error_text(render(diagnostics, texts, colour));
}

Value to_json_value(const Diagnostic& diagnostic) {
  return Object{{"severity", diagnostic.severity == Severity::error ? "error" : "warning"},
                {"code", diagnostic.code},
                {"file", diagnostic.where.file},
                {"line", diagnostic.where.line},
                {"column", diagnostic.where.column},
                {"length", diagnostic.where.length},
                {"message", diagnostic.message},
                {"hint", diagnostic.hint}};
}

Object without_meta(const Value& event) {
  Object object = event.as_object();
  object.stable_erase("meta");
  return object;
}

std::optional<LoadedRulebook> load_or_tell(const std::string& file,
                                           const VariablesArguments& variables) {
  auto values = daemon::load_variables(variables.file, variables.environment_names);
  if (!values) {
    print_failure(values.error().message());
    return std::nullopt;
  }
  auto loaded = daemon::load_rulebooks({file}, *values);
  if (loaded.rulebooks.empty() || loaded.diagnostics.has_errors()) {
    loaded.diagnostics.sort();
    print_diagnostics(loaded.diagnostics, loaded.texts);
    return std::nullopt;
  }
  return LoadedRulebook{std::move(*values), std::move(loaded.rulebooks.front())};
}

}  // namespace millrace::cli
