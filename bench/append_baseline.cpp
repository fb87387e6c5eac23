// SPDX-License-Identifier: Apache-2.0
// What a journal cannot be faster than: so many bytes appended to a file in so many groups, each
// written at once and then on the disk.
// usage: append_baseline FILE BYTES GROUPS
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

int main(int count, char** arguments) {
  if (count != 4) return EXIT_FAILURE;
  const auto bytes = std::strtoull(arguments[2], nullptr, 10);
  const auto groups = std::strtoull(arguments[3], nullptr, 10);
  const int file = ::open(arguments[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0 || groups == 0) return EXIT_FAILURE;
  const std::string group(bytes / groups, 'x');
  for (std::uint64_t i = 0; i < groups; ++i) {
    if (::write(file, group.data(), group.size()) != static_cast<ssize_t>(group.size()) ||
        ::fdatasync(file) != 0) {
      std::perror(arguments[1]);
      return EXIT_FAILURE;
    }
  }
  ::close(file);
  return EXIT_SUCCESS;
}
