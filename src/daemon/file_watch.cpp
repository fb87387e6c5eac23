// SPDX-License-Identifier: Apache-2.0
#include "file_watch.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <utility>

#include "millrace/base/files.hpp"

namespace millrace::daemon {
namespace {

constexpr Duration kQuiet = std::chrono::milliseconds(200);
constexpr Duration kLongestUnrest = std::chrono::seconds(2);
constexpr std::uint32_t kMask =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM;
// What a mounted Kubernetes ConfigMap replaces, and its files with it.
constexpr std::string_view kLinkedFolder = "..data";

std::vector<std::string> read_all(const std::vector<std::string>& files) {
  std::vector<std::string> contents;
  contents.reserve(files.size());
  for (const auto& file : files) contents.push_back(read_file(file).value_or(""));
  return contents;
}

}  // namespace

FileWatch::FileWatch(std::vector<std::string> files, Environment environment,
                     std::unique_ptr<Inotify> inotify)
    : files_(std::move(files)),
      environment_(environment),
      inotify_(std::move(inotify)),
      names_({std::string(kLinkedFolder)}),
      contents_(read_all(files_)) {
  for (const auto& file : files_) names_.insert(std::filesystem::path(file).filename());
}

Result<std::unique_ptr<FileWatch>> FileWatch::create(std::vector<std::string> files,
                                                     Environment environment) {
  auto inotify = Inotify::create(environment.loop);
  if (!inotify) return inotify.error();
  for (const auto& file : files) {
    auto folder = std::filesystem::path(file).parent_path();
    if (folder.empty()) folder = ".";
    if (auto added = (*inotify)->add(folder, kMask); !added) return added.error();
  }
  return std::unique_ptr<FileWatch>(
      new FileWatch(std::move(files), environment, std::move(*inotify)));
}

bool FileWatch::concerns(const std::vector<InotifyEvent>& events) const {
  return std::ranges::any_of(events, [this](const InotifyEvent& event) {
    return (event.mask & IN_Q_OVERFLOW) != 0 || names_.contains(event.name);
  });
}

Task<Result<>> FileWatch::changed() {
  for (;;) {
    auto events = co_await inotify_->read();
    if (!events) co_return events.error();
    if (!concerns(*events)) continue;
    if (auto settled = co_await settle(); !settled) co_return settled;
    auto contents = co_await environment_.pool.run([files = files_] { return read_all(files); });
    if (contents == contents_) continue;
    contents_ = std::move(contents);
    co_return Result<>();
  }
}

// Editors take several steps.
Task<Result<>> FileWatch::settle() {
  const auto& clock = environment_.loop.clock();
  const Instant end = clock.now() + kLongestUnrest;
  while (clock.now() < end) {
    auto events = co_await inotify_->read(std::min(clock.now() + kQuiet, end));
    if (!events) co_return events.error();
    if (events->empty()) break;
  }
  co_return Result<>();
}

}  // namespace millrace::daemon
