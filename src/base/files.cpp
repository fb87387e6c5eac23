// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <iterator>

namespace millrace {

void FileDescriptor::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  return Pipe{.read = FileDescriptor(ends[0]), .write = FileDescriptor(ends[1])};
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno(errno, fmt::format("cannot read {}", path.string()));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno(errno, path.string());
  if (S_ISDIR(status.st_mode))
    return fail(Errc::io, "cannot read {}: is a directory", path.string());

  std::string content;
  constexpr std::size_t kLeast = 4096;  // a sysctl gives to the first read all that it gives
  content.resize(std::max(static_cast<std::size_t>(status.st_size) + 1, kLeast));
  std::size_t size = 0;
  while (true) {
    if (size == content.size()) content.resize(size * 2);
    const auto got = ::read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, fmt::format("cannot read {}", path.string()));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    if (size > limit)
      return fail(Errc::unsupported, "{} is larger than {} bytes", path.string(), limit);
  }
  content.resize(size);
  return content;
}

Result<> write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const auto written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(errno, "cannot write");
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<> write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  auto temporary = path;
  temporary += fmt::format(".{}.tmp", ::getpid());
  FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file) return fail_errno(errno, fmt::format("cannot write {}", temporary.string()));
  auto written = write_all(file.get(), content);
  if (written && ::fsync(file.get()) != 0) written = fail_errno(errno, "cannot write");
  file.close();
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = fail_errno(errno, "cannot rename");
  if (!written) {
    ::unlink(temporary.c_str());
    return std::move(written.error()).with_context(path.string());
  }
  return {};
}

std::string file_name_of(std::string_view text) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' ||
           c == '-' || c == '_';
  };
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_plain(text[i]) || (text[i] == '.' && i > 0)) {
      name += text[i];
    } else {
      fmt::format_to(std::back_inserter(name), "%{:02X}", static_cast<unsigned char>(text[i]));
    }
  }
  return name.empty() ? "%" : name;
}

}  // namespace millrace
