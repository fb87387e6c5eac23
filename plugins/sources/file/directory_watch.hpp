// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/loop/task.hpp"

namespace millrace::file {

/// Tells which names in some directories have new content: written and closed, moved there, or
/// linked there. Loop thread only.
class DirectoryWatch {
 public:
  enum class What {
    written,  ///< closed after writing, or moved to this name
    created,  ///< a new name, perhaps of an empty file that is about to be written
    lost,     ///< changes were missed: anything may have changed
    gone,     ///< the directory was removed or moved away: nothing more is told about it
  };
  struct Change {
    What what = What::written;
    std::string directory;
    std::string name;  ///< within the directory
  };

  /// Errors: io, when the system's limit of watches is reached.
  static Result<std::unique_ptr<DirectoryWatch>> create(const asio::any_io_executor& executor);

  /// Errors: not_found, permission_denied, io.
  Result<> add(const std::string& directory);
  /// Waits for the next changes. Errors: cancelled, io.
  Task<Result<std::vector<Change>>> wait();

 private:
  explicit DirectoryWatch(asio::posix::stream_descriptor inotify) : inotify_(std::move(inotify)) {}
  std::vector<Change> decode(std::size_t bytes) const;

  asio::posix::stream_descriptor inotify_;
  std::map<int, std::string> directories_;
  std::array<char, 65536> buffer_;
};

}  // namespace millrace::file
