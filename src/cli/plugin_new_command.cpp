// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "commands.hpp"
#include "millrace/plugin/python_plugins.hpp"
#include "plugin_skeleton.hpp"
#include "report.hpp"

namespace millrace::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "PREFIX";  // when it cannot be told

// The package must be on the path, installed or not.
std::string test_of_python(const std::string& folder) {
  const auto package = find_python_folder({});
  const auto path = package ? package->string() : fmt::format("{}/share/millrace/python", kPrefix);
  return fmt::format("  cd '{}' && PYTHONPATH='{}' python3 -m unittest\n", folder, path);
}

bool holds_headers(const fs::path& prefix) {
  std::error_code ignored;
  return fs::exists(prefix / "share/cmake/millrace-plugin", ignored);
}

// What CMake is to be told to find the headers; nothing where it looks by itself.
std::string prefix_option() {
  std::error_code ignored;
  const auto program = fs::read_symlink("/proc/self/exe", ignored);
  const auto prefix = program.parent_path().parent_path();
  if (holds_headers("/usr/local") || holds_headers("/usr")) return "";
  return fmt::format(" -DCMAKE_PREFIX_PATH='{}'",
                     holds_headers(prefix) ? prefix.string() : std::string(kPrefix));
}

std::string build_of_cpp(const std::string& folder) {
  const auto option = prefix_option();
  auto text = fmt::format(
      "  cmake -S '{0}' -B '{0}/build'{1} && cmake --build '{0}/build' && ctest --test-dir "
      "'{0}/build'\n",
      folder, option);
  if (option.contains(kPrefix))
    text += fmt::format("{} is where `make install` has put Millrace's headers.\n", kPrefix);
  return text;
}

}  // namespace

int plugin_new(const PluginNewArguments& arguments) {
  const bool python = arguments.language == "python";
  const auto files = plugin_skeleton(arguments.kind, arguments.name,
                                     python ? PluginLanguage::python : PluginLanguage::cpp);
  if (!files) return print_failure(files.error().message());
  const auto folder = arguments.directory.empty() ? arguments.name : arguments.directory;
  if (const auto written = write_skeleton(folder, *files); !written)
    return print_failure(written.error().message());
  std::string text = "wrote";
  for (const auto& file : *files)
    text += fmt::format("\n  {}", (std::filesystem::path(folder) / file.name).string());
  text += "\n\nnext:\n";
  text += python ? test_of_python(folder) : build_of_cpp(folder);
  return print_result(text);
}

}  // namespace millrace::cli
