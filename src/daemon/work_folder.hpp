// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <utility>

#include "millrace/base/result.hpp"

namespace millrace::daemon {

/// A temporary folder for this user's eyes only, which goes with its owner.
class WorkFolder {
 public:
  /// Errors: io, permission_denied.
  static Result<WorkFolder> create();
  WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit WorkFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace millrace::daemon
