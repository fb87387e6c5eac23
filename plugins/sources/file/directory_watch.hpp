// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/loop/inotify.hpp"
#include "millrace/loop/main_loop.hpp"
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
  static Result<std::unique_ptr<DirectoryWatch>> create(MainLoop& loop);

  /// Errors: not_found, permission_denied, io.
  Result<> add(const std::string& directory);
  /// Waits for the next changes. Errors: cancelled, io.
  Task<Result<std::vector<Change>>> wait();

 private:
  explicit DirectoryWatch(std::unique_ptr<Inotify> inotify) : inotify_(std::move(inotify)) {}
  std::vector<Change> changes_of(const std::vector<InotifyEvent>& events) const;

  const std::unique_ptr<Inotify> inotify_;
  std::map<int, std::string> directories_;
};

}  // namespace millrace::file
