// SPDX-License-Identifier: Apache-2.0
#include "interpreter.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <system_error>

#include "millrace/base/text.hpp"

namespace millrace::python {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_program(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

// Empty when there is none. A name with a slash is a path.
std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return is_program(name) ? name : "";
  const auto path = environment("PATH");
  for (const auto folder : split(path.empty() ? "/usr/local/bin:/usr/bin:/bin" : path, ':')) {
    auto candidate = (folder.empty() ? std::string(".") : std::string(folder)) + "/" + name;
    if (is_program(candidate)) return candidate;
  }
  return "";
}

Result<std::string> named(const std::string& name, std::string_view by) {
  auto found = find_program(name);
  if (!found.empty()) return found;
  return fail(Errc::unavailable, "there is no Python `{}` ({}); {}", printable(name), by,
              kHowToGetPython);
}

std::filesystem::path beside_the_program() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path()
               : program.parent_path().parent_path() / "share" / "millrace" / "python";
}

bool holds_host(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::is_regular_file(folder / "millrace_host" / "__main__.py", error);
}

}  // namespace

Result<std::string> find_interpreter(const PythonOptions& options) {
  if (!options.interpreter.empty())
    return named(options.interpreter, "as --python or MILLRACE_PYTHON says");
  if (const auto name = environment("MILLRACE_PYTHON"); !name.empty())
    return named(name, "as MILLRACE_PYTHON says");
  if (const auto folder = environment("VIRTUAL_ENV"); !folder.empty()) {
    if (auto found = find_program(folder + "/bin/python"); !found.empty()) return found;
  }
  if (auto found = find_program("python3"); !found.empty()) return found;
  return fail(Errc::unavailable, "there is no python3 in PATH; {}", kHowToGetPython);
}

Result<std::filesystem::path> find_host_folder(const PythonOptions& options) {
  auto folder = options.host_folder;
  if (folder.empty()) folder = environment("MILLRACE_HOST_FOLDER");
  if (!folder.empty()) {
    if (holds_host(folder)) return folder;
    return fail(Errc::unavailable, "there is no millrace_host in {}", folder.string());
  }
  for (const auto& candidate :
       {beside_the_program(), std::filesystem::path(MILLRACE_PYTHON_FOLDER)}) {
    if (holds_host(candidate)) return candidate;
  }
  return fail(Errc::unavailable,
              "the Python part of Millrace is not installed: {} does not hold it (see "
              "MILLRACE_HOST_FOLDER)",
              beside_the_program().string());
}

}  // namespace millrace::python

namespace millrace {

Result<std::filesystem::path> find_python_folder(const PythonOptions& options) {
  return python::find_host_folder(options);
}

}  // namespace millrace
