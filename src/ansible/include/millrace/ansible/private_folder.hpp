// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "millrace/base/result.hpp"

namespace millrace::ansible {

/// A folder for one run, which only the engine's user can read, among the system's temporary files.
/// It goes with this object. Blocks: on a thread of the pool where much is in it.
class PrivateFolder {
 public:
  /// Errors: io, permission_denied.
  static Result<std::unique_ptr<PrivateFolder>> create();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder();

  const std::filesystem::path& path() const { return path_; }
  /// A file that nobody else can read; folders on the way are made. Errors: io.
  Result<std::filesystem::path> write(const std::filesystem::path& name, std::string_view text);

 private:
  explicit PrivateFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path path_;
};

struct CopyLimits {
  std::size_t entries = 100'000;
  std::uintmax_t bytes = std::uintmax_t{4} << 30;
  std::size_t depth = 64;
};

/// Copies a file, or a folder with all that is in it, to where there may be such a folder already.
/// Links are followed, those that lead nowhere are left out, and so are devices, pipes and sockets.
/// Errors: not_found, permission_denied, io; unsupported beyond the limits. Blocks.
Result<> copy_tree(const std::filesystem::path& from, const std::filesystem::path& to,
                   CopyLimits limits = {});

}  // namespace millrace::ansible
