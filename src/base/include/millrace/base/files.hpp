// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/base/result.hpp"

namespace millrace {

/// An open file descriptor, closed by its owner. Empty when get() is -1.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() { close(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void close();

 private:
  int fd_ = -1;
};

/// The ends of a pipe.
struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

/// Both ends are closed in programs that are started. Errors: io.
Result<Pipe> make_pipe();

/// The whole file. Errors: not_found, permission_denied, io (also for a directory), unsupported
/// when larger than `limit` bytes. The message names the path.
Result<std::string> read_file(const std::filesystem::path& path,
                              std::size_t limit = std::size_t{64} << 20);

/// Replaces the file's content at once: a reader sees the old or the new text, also after a crash.
Result<> write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// A file name that stands for `text`, whatever it holds: letters, digits, blanks, '-', '_' and
/// inner '.' as they are, other bytes as %XX; different texts get different names.
std::string file_name_of(std::string_view text);

/// Writes everything, also over short writes and interruptions. Errors: io.
Result<> write_all(int fd, std::string_view content);

}  // namespace millrace
