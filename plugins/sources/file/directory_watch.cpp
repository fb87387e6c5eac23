// SPDX-License-Identifier: Apache-2.0
#include "directory_watch.hpp"

#include <sys/inotify.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace millrace::file {
namespace {

using What = DirectoryWatch::What;

constexpr std::uint32_t kWatched =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_MOVE_SELF | IN_ONLYDIR;

std::optional<What> what_of(std::uint32_t mask) {
  if ((mask & IN_Q_OVERFLOW) != 0) return What::lost;
  if ((mask & (IN_IGNORED | IN_MOVE_SELF)) != 0) return What::gone;
  if ((mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) return What::written;
  if ((mask & IN_CREATE) != 0) return What::created;
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<DirectoryWatch>> DirectoryWatch::create(MainLoop& loop) {
  auto inotify = Inotify::create(loop);
  if (!inotify) return inotify.error();
  return std::unique_ptr<DirectoryWatch>(new DirectoryWatch(std::move(*inotify)));
}

Result<> DirectoryWatch::add(const std::string& directory) {
  const auto watch = inotify_->add(directory, kWatched);
  if (!watch) return watch.error();
  directories_[*watch] = directory;
  return {};
}

Task<Result<std::vector<DirectoryWatch::Change>>> DirectoryWatch::wait() {
  const auto events = co_await inotify_->read();
  if (!events) co_return events.error();
  co_return changes_of(*events);
}

std::vector<DirectoryWatch::Change> DirectoryWatch::changes_of(
    const std::vector<InotifyEvent>& events) const {
  std::vector<Change> changes;
  for (const auto& event : events) {
    const auto what = what_of(event.mask);
    if (!what) continue;
    const auto directory = directories_.find(event.watch);
    if (*what != What::lost && directory == directories_.end()) continue;
    changes.push_back(
        {.what = *what,
         .directory = directory == directories_.end() ? std::string() : directory->second,
         .name = event.name});
  }
  return changes;
}

}  // namespace millrace::file
