// SPDX-License-Identifier: Apache-2.0
// Events from YAML or JSON files, when the engine starts and whenever one of them changes.

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "directory_watch.hpp"
#include "event_file.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::file {
namespace {

using What = DirectoryWatch::What;

struct WatchedFile {
  std::string path;       ///< as the user wrote it
  std::string directory;  ///< absolute
  std::string name;
};

// What the name leads to, to see that a link leads elsewhere now.
struct Identity {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const Identity&, const Identity&) = default;
};

Identity identity_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

// A name made by link() or symlink() has its content at once. Any other new file is about to be
// written, and closed.
bool is_complete_when_created(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return false;
  return S_ISLNK(status.st_mode) || status.st_nlink > 1;
}

// A change of a file as seen from the outside, and what is read because of it. On the pool.
struct Reading {
  bool was_read = false;
  Identity identity;
  FileContent content;
};

enum class Cause {
  sure,      ///< read it
  created,   ///< read it if it is complete
  neighbor,  ///< another name changed: read it if it leads through a link that was changed
};

Reading read_if_changed(const std::string& path, Cause cause, Identity before) {
  Reading reading{.identity = identity_of(path)};
  if (cause == Cause::created && !is_complete_when_created(path)) return reading;
  if (cause == Cause::neighbor && (reading.identity == before || reading.identity == Identity{}))
    return reading;
  reading.was_read = true;
  reading.content = read_events(path);
  return reading;
}

class FileSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> create(const Settings& settings) {
    std::vector<WatchedFile> files;
    for (const auto& path : settings.strings("files")) {
      std::error_code error;
      const auto absolute = std::filesystem::absolute(path, error).lexically_normal();
      if (error || path.empty() || !absolute.has_filename()) {
        return fail(Errc::invalid_settings, "files: \"{}\" is not the name of a file", path);
      }
      files.push_back({path, absolute.parent_path().string(), absolute.filename().string()});
    }
    if (files.empty()) return fail(Errc::invalid_settings, "files must name at least one file");
    return std::unique_ptr<Source>(std::make_unique<FileSource>(std::move(files)));
  }

  explicit FileSource(std::vector<WatchedFile> files)
      : files_(std::move(files)), identities_(files_.size()) {}

  Task<Result<>> run(SourceContext& context) override {
    auto watch = DirectoryWatch::create(context.loop());
    if (!watch) co_return watch.error();
    // Watched first, then read: no change is missed in between.
    for (const auto& file : files_) {
      if (auto added = (*watch)->add(file.directory); !added) co_return added.error();
    }
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (auto sent = co_await read(context, i, Cause::sure); !sent) co_return sent.error();
      if (identities_[i] == Identity{}) {
        context.log().warning(context.log_name(), "{} does not exist yet; waiting for it",
                              files_[i].path);
      }
    }
    while (true) {
      auto changes = co_await (*watch)->wait();
      if (!changes) co_return changes.error();
      if (auto sent = co_await follow(context, *changes); !sent) co_return sent.error();
    }
  }

 private:
  // Each file once, however often it was changed meanwhile: only what it holds now can be read.
  Task<Result<>> follow(SourceContext& context,
                        const std::vector<DirectoryWatch::Change>& changes) {
    for (const auto& change : changes) {
      if (change.what != What::gone) continue;
      context.log().error(context.log_name(),
                          "{} was removed or moved: its files are no longer watched",
                          change.directory);
    }
    for (std::size_t i = 0; i < files_.size(); ++i) {
      const auto cause = cause_to_read(files_[i], changes);
      if (!cause) continue;
      if (auto sent = co_await read(context, i, *cause); !sent) co_return sent.error();
    }
    co_return Result<>();
  }

  static std::optional<Cause> cause_to_read(const WatchedFile& file,
                                            const std::vector<DirectoryWatch::Change>& changes) {
    std::optional<Cause> cause;
    for (const auto& change : changes) {
      if (change.what == What::lost) return Cause::sure;
      if (change.what == What::gone || change.directory != file.directory) continue;
      const auto found = change.name != file.name       ? Cause::neighbor
                         : change.what == What::written ? Cause::sure
                                                        : Cause::created;
      cause = std::min(cause.value_or(found), found);
    }
    return cause;
  }

  Task<Result<>> read(SourceContext& context, std::size_t index, Cause cause) {
    const auto job = [path = files_[index].path, cause, before = identities_[index]] {
      return read_if_changed(path, cause, before);
    };
    auto reading = co_await context.pool().run(job);
    if (!reading.was_read) co_return Result<>();
    identities_[index] = reading.identity;
    for (const auto& problem : reading.content.problems) {
      context.log().error(context.log_name(), "{}", problem);
    }
    if (reading.content.events.empty()) co_return Result<>();
    EventBatch batch;
    batch.events.reserve(reading.content.events.size());
    for (auto& event : reading.content.events) batch.events.emplace_back(std::move(event));
    co_return co_await context.emit(std::move(batch));
  }

  const std::vector<WatchedFile> files_;
  std::vector<Identity> identities_;  ///< of each file, when it was read
};

SettingsSchema schema() {
  SettingsSchema schema;
  schema.settings.push_back(
      Setting("files", SettingType::strings, "the files, of YAML or JSON").required());
  return schema;
}

}  // namespace
}  // namespace millrace::file

MILLRACE_PLUGIN(file_source, plugin) {
  plugin.source<millrace::file::FileSource>(
      "file", "Sends the events in YAML or JSON files, again at every change.",
      millrace::file::schema(), {"community.eda.file"});
}
