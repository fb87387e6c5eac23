// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "millrace/loop/blocking_pool.hpp"
#include "millrace/loop/inotify.hpp"
#include "millrace/loop/main_loop.hpp"

namespace millrace::daemon {

/// Waits for files to get another content, however that is done: written in place, or replaced by
/// another file or link, as editors and configuration managers do. Loop thread only.
class FileWatch {
 public:
  struct Environment {
    MainLoop& loop;
    BlockingPool& pool;
  };
  /// Errors: those of Inotify, of which a folder that is not there is one.
  static Result<std::unique_ptr<FileWatch>> create(std::vector<std::string> files,
                                                   Environment environment);

  /// Until a file's content is not that of the last time, and nothing has happened for a moment
  /// since. A file that is away has no content. Errors: cancelled, io.
  Task<Result<>> changed();

 private:
  FileWatch(std::vector<std::string> files, Environment environment,
            std::unique_ptr<Inotify> inotify);
  Task<Result<>> settle();
  bool concerns(const std::vector<InotifyEvent>& events) const;

  const std::vector<std::string> files_;
  const Environment environment_;
  const std::unique_ptr<Inotify> inotify_;
  std::set<std::string> names_;        // of the files, in whatever folder
  std::vector<std::string> contents_;  // as they were told
};

}  // namespace millrace::daemon
