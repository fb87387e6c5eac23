// SPDX-License-Identifier: Apache-2.0
#include "work_folder.hpp"

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace millrace::daemon {

Result<WorkFolder> WorkFolder::create() {
  std::error_code error;
  const auto place = std::filesystem::temp_directory_path(error);
  if (error) return fail(Errc::io, "no folder for temporary files: {}", error.message());
  auto name = (place / "millrace-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return fail_errno(errno, name);
  return WorkFolder(name);
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace millrace::daemon
