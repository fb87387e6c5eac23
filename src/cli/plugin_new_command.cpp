// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>

#include "commands.hpp"
#include "plugin_skeleton.hpp"
#include "report.hpp"

namespace millrace::cli {

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
  if (python) {
    text += fmt::format(
        "  cd '{}' && PYTHONPATH=PREFIX/share/millrace/python python3 -m unittest\n", folder);
  } else {
    text += fmt::format(
        "  cmake -S '{0}' -B '{0}/build' && cmake --build '{0}/build' && ctest --test-dir "
        "'{0}/build'\n",
        folder);
  }
  return print_result(text);
}

}  // namespace millrace::cli
