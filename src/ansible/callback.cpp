// SPDX-License-Identifier: Apache-2.0
#include "callback.hpp"

#include <cstdlib>
#include <system_error>
#include <vector>

namespace millrace::ansible {

namespace fs = std::filesystem;

// Where the Python part of the program lies: as MILLRACE_HOST_FOLDER says, beside the program, or
// in the source tree.
Result<fs::path> find_callback() {
  std::vector<fs::path> folders;
  std::error_code error;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment
  if (const char* named = std::getenv("MILLRACE_HOST_FOLDER"); named != nullptr && *named != '\0')
    folders.emplace_back(named);
  const auto program = fs::read_symlink("/proc/self/exe", error);
  if (!error)
    folders.push_back(program.parent_path().parent_path() / "share" / "millrace" / "python");
  folders.emplace_back(MILLRACE_PYTHON_FOLDER);
  for (const auto& folder : folders) {
    auto file = folder / "millrace_ansible" / "millrace_events.py";
    if (fs::is_regular_file(file, error)) return file;
  }
  return fail(Errc::unavailable,
              "the part of Millrace that Ansible loads is not installed: {} does not hold "
              "millrace_ansible/millrace_events.py",
              folders.front().string());
}

}  // namespace millrace::ansible
