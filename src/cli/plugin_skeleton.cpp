// SPDX-License-Identifier: Apache-2.0
#include "plugin_skeleton.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "plugin_templates.hpp"

namespace millrace::cli {
namespace {

constexpr std::size_t kLongestName = 64;

// Words that cannot be the name of a module of Python, or of a target of CMake.
constexpr std::array<std::string_view, 43> kReserved = {
    "all",      "and",  "as",       "assert",  "async", "await",   "break",   "class",  "clean",
    "continue", "def",  "del",      "elif",    "else",  "except",  "finally", "for",    "from",
    "global",   "help", "if",       "import",  "in",    "install", "is",      "lambda", "millrace",
    "nonlocal", "not",  "or",       "package", "pass",  "plugin",  "raise",   "return", "source",
    "test",     "try",  "unittest", "while",   "with",  "yield",   "asyncio"};

// Modules that tests of Python plugins import: a plugin's file of that name would hide them.
constexpr std::array<std::string_view, 48> kLibrary = {
    "abc",        "argparse", "ast",      "base64",      "calendar", "code",       "collections",
    "concurrent", "copy",     "datetime", "dataclasses", "decimal",  "email",      "enum",
    "errno",      "fnmatch",  "hashlib",  "heapq",       "http",     "inspect",    "io",
    "json",       "logging",  "math",     "numbers",     "operator", "os",         "pathlib",
    "platform",   "queue",    "random",   "re",          "select",   "selectors",  "signal",
    "socket",     "ssl",      "stat",     "string",      "struct",   "subprocess", "sys",
    "threading",  "time",     "token",    "traceback",   "types",    "typing"};

Result<> check_name(std::string_view name, PluginLanguage language) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name.empty() || name.size() > kLongestName || !(name[0] >= 'a' && name[0] <= 'z') ||
      !std::ranges::all_of(name, fits)) {
    return fail(Errc::invalid_settings,
                "`{}` cannot be the name of a plugin: small letters, digits and _, at most {}, a "
                "letter first",
                printable(name), kLongestName);
  }
  if (std::ranges::find(kReserved, name) != kReserved.end())
    return fail(Errc::invalid_settings, "`{}` means something else to Python, CMake or Millrace",
                name);
  if (language == PluginLanguage::python && std::ranges::find(kLibrary, name) != kLibrary.end())
    return fail(Errc::invalid_settings,
                "`{}` is a module of Python's own: a plugin of that name would hide it", name);
  return {};
}

// web_hook: WebHook.
std::string class_name(std::string_view name) {
  std::string out;
  bool capital = true;
  for (const char c : name) {
    if (c != '_') out += capital && c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    capital = c == '_';
  }
  return out;
}

std::string filled(std::string_view text, std::string_view name) {
  std::string out(text);
  const auto replace = [&](std::string_view from, std::string_view to) {
    for (auto at = out.find(from); at != out.npos; at = out.find(from, at + to.size()))
      out.replace(at, from.size(), to);
  };
  replace("@NAME@", name);
  replace("@CLASS@", class_name(name));
  return out;
}

std::string_view article(std::string_view noun) { return noun.starts_with('a') ? "an" : "a"; }

std::vector<SkeletonFile> cpp_files(const PluginTemplate& kind) {
  const auto classes = kind.cpp.empty()
                           ? std::string()
                           : fmt::format(
                                 "namespace {{\n\nusing namespace millrace::plugin;\n\n"
                                 "{}\n}}  // namespace\n\n",
                                 kind.cpp);
  return {
      {"CMakeLists.txt",
       "cmake_minimum_required(VERSION 3.25)\n"
       "project(@NAME@ LANGUAGES CXX)\n"
       "enable_testing()\n"
       "find_package(millrace-plugin REQUIRED)\n"
       "millrace_add_plugin(@NAME@ SOURCES @NAME@.cpp TEST @NAME@_test.cpp)\n"},
      {"@NAME@.cpp",
       fmt::format(
           "#include <millrace/plugin.hpp>\n\n{}"
           "MILLRACE_EXPORT_PLUGIN(\"@NAME@\", \"0.1\", \"One sentence about it.\") {{\n{}}}\n",
           classes, kind.cpp_export)},
      {"@NAME@_test.cpp",
       fmt::format("#include <millrace/plugin_testing.hpp>\n\nusing namespace millrace::plugin;\n\n"
                   "int main() {{\n  const testing::Plugin plugin;\n{}}}\n",
                   kind.cpp_test)},
      {"README.md",
       fmt::format(
           "# @NAME@\n\nA native plugin for Millrace with {} {}.\n\n{}\n\n"
           "```\ncmake -S . -B build && cmake --build build && ctest --test-dir build\n```\n\n"
           "The plugin is `build/@NAME@.so`. The headers come with Millrace: if it is not "
           "installed below /usr or /usr/local,\nadd `-DCMAKE_PREFIX_PATH=PREFIX`.\n",
           article(kind.kind), kind.kind, kind.use)}};
}

std::vector<SkeletonFile> python_files(const PluginTemplate& kind) {
  const std::string_view asyncio = kind.kind == "source" ? "import asyncio\n\n" : "";
  return {
      {"@NAME@.py", fmt::format("\"\"\"One sentence about it.\"\"\"\n\n{}import millrace\n\n"
                                "plugin = millrace.Plugin(\"@NAME@\", version=\"0.1\", "
                                "summary=\"One sentence about it.\")\n\n{}{}",
                                asyncio, kind.kind == "pattern" ? "" : "\n", kind.python)},
      {"test_@NAME@.py",
       fmt::format(
           "import unittest\n\nfrom millrace import testing\n\nfrom @NAME@ import plugin\n\n\n"
           "class @CLASS@Test(unittest.TestCase):\n    def test_does_what_it_says(self):\n{}"
           "\n\nif __name__ == \"__main__\":\n    unittest.main()\n",
           kind.python_test)},
      {"README.md",
       fmt::format("# @NAME@\n\nA Python plugin for Millrace with {} {}.\n\n{}\n\n"
                   "```\nPYTHONPATH=/usr/local/share/millrace/python python3 -m unittest\n```\n\n"
                   "The plugin is `@NAME@.py`. The package `millrace` comes with Millrace, in "
                   "PREFIX/share/millrace/python.\n",
                   article(kind.kind), kind.kind, kind.use)}};
}

}  // namespace

std::vector<std::string> plugin_kinds() {
  std::vector<std::string> kinds;
  for (const auto& known : plugin_templates()) kinds.emplace_back(known.kind);
  return kinds;
}

Result<std::vector<SkeletonFile>> plugin_skeleton(std::string_view kind, std::string_view name,
                                                  PluginLanguage language) {
  if (auto checked = check_name(name, language); !checked) return checked.error();
  const auto found = std::ranges::find(plugin_templates(), kind, &PluginTemplate::kind);
  if (found == plugin_templates().end()) {
    return fail(Errc::invalid_settings, "unknown kind `{}`: it must be one of {}", printable(kind),
                fmt::join(plugin_kinds(), ", "));
  }
  auto files = language == PluginLanguage::cpp ? cpp_files(*found) : python_files(*found);
  for (auto& file : files) {
    file.name = filled(file.name, name);
    file.content = filled(file.content, name);
  }
  return files;
}

Result<> write_skeleton(const std::string& folder, std::span<const SkeletonFile> files) {
  const std::filesystem::path path(folder);
  std::error_code error;
  for (const auto& file : files) {
    if (std::filesystem::exists(path / file.name, error))
      return fail(Errc::already_exists, "{} is there already", (path / file.name).string());
  }
  std::filesystem::create_directories(path, error);
  if (error) return fail_errno(error.value(), folder);
  for (const auto& file : files) {
    if (auto written = write_file_atomically(path / file.name, file.content); !written)
      return written.error();
  }
  return {};
}

}  // namespace millrace::cli
