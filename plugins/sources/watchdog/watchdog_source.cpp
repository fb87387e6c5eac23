// SPDX-License-Identifier: Apache-2.0
// Tells what happens to files and directories, as the original's file_watch does.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "file_change.hpp"
#include "millrace/base/regex.hpp"
#include "millrace/base/text.hpp"
#include "millrace/loop/inotify.hpp"
#include "millrace/plugin/plugin.hpp"
#include "rename_pairing.hpp"
#include "watch_tree.hpp"

namespace millrace::watchdog {
namespace {

std::string_view word_of(What what) {
  switch (what) {
    case What::created:
      return "created";
    case What::modified:
      return "modified";
    case What::deleted:
      return "deleted";
    case What::moved:
      return "moved";
  }
  return "";
}

std::string_view class_of(const FileChange& change) {
  const bool is_file = change.kind == Kind::file;
  switch (change.what) {
    case What::created:
      return is_file ? "FileCreatedEvent" : "DirCreatedEvent";
    case What::modified:
      return is_file ? "FileModifiedEvent" : "DirModifiedEvent";
    case What::deleted:
      return is_file ? "FileDeletedEvent" : "DirDeletedEvent";
    case What::moved:
      return is_file ? "FileMovedEvent" : "DirMovedEvent";
  }
  return "";
}

class WatchdogSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> create(const Settings& settings) {
    const auto path = settings.string("path");
    if (path.empty() || path.find('\0') != std::string::npos)
      return fail(Errc::invalid_settings, "path: \"{}\" is not the name of a file or directory",
                  printable(path));
    std::vector<Regex> ignored;
    for (const auto& pattern : settings.strings("ignore_regexes")) {
      auto regex = Regex::compile(pattern, {.ignore_case = true, .anchor = Regex::Anchor::start});
      if (!regex)
        return fail(Errc::invalid_settings, "ignore_regexes: {}", regex.error().message());
      ignored.push_back(std::move(*regex));
    }
    const auto depth =
        settings.boolean("recursive") ? WatchTree::Depth::whole_tree : WatchTree::Depth::one_level;
    return std::unique_ptr<Source>(
        std::make_unique<WatchdogSource>(path, depth, std::move(ignored)));
  }

  WatchdogSource(std::string path, WatchTree::Depth depth, std::vector<Regex> ignored)
      : path_(std::move(path)), depth_(depth), ignored_(std::move(ignored)) {}

  Task<Result<>> run(SourceContext& context) override {
    const auto inotify = Inotify::create(context.loop());
    if (!inotify) co_return inotify.error();
    WatchTree tree(**inotify, path_, depth_);
    if (auto walked = co_await follow(context, tree); !walked) co_return walked.error();
    context.log().info(context.log_name(), "watching {}, with {} of inotify's watches",
                       printable(path_), tree.watches());
    RenamePairing renames;
    while (true) {
      auto events = co_await (*inotify)->read(renames.deadline());
      if (!events) co_return events.error();
      const auto now = context.clock().now();
      renames.add(std::move(*events), now);
      tree.add(renames.take(now));
      if (auto followed = co_await follow(context, tree); !followed) co_return followed.error();
    }
  }

 private:
  // Until the tree has done what it knows of. What happens meanwhile waits in the system.
  Task<Result<>> follow(SourceContext& context, WatchTree& tree) {
    while (!tree.idle()) {
      auto progress = co_await context.pool().run([&tree] { return tree.advance(); });
      if (!progress) co_return progress.error();
      for (const auto& warning : progress->warnings)
        context.log().warning(context.log_name(), "{}", warning);
      auto batch = batch_of(context, progress->changes);
      if (!batch.events.empty()) {
        if (auto sent = co_await context.emit(std::move(batch)); !sent) co_return sent.error();
      }
      if (progress->root_gone)
        co_return fail(Errc::not_found, "{} was removed or moved away: there is nothing to watch",
                       printable(path_));
      if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
    }
    co_return Result<>();
  }

  EventBatch batch_of(SourceContext& context, const std::vector<FileChange>& changes) {
    EventBatch batch;
    batch.events.reserve(changes.size());
    for (const auto& change : changes) {
      if (is_ignored(context, change.path) || is_ignored(context, change.target)) continue;
      batch.events.emplace_back(Value(Object{{"change", word_of(change.what)},
                                             {"src_path", change.path},
                                             {"type", class_of(change)},
                                             {"root_path", path_}}));
    }
    return batch;
  }

  bool is_ignored(SourceContext& context, const std::string& path) {
    if (path.empty()) return false;
    for (const auto& regex : ignored_) {
      const auto outcome = regex.search(path);
      if (outcome == Regex::Outcome::match) return true;
      if (outcome == Regex::Outcome::no_match || std::exchange(told_of_limit_, true)) continue;
      context.log().warning(
          context.log_name(),
          "ignore_regexes: `{}` takes too long on {}, which is not ignored (told once)",
          regex.pattern(), path);
    }
    return false;
  }

  const std::string path_;
  const WatchTree::Depth depth_;
  const std::vector<Regex> ignored_;
  bool told_of_limit_ = false;
};

SettingsSchema schema() {
  SettingsSchema schema;
  auto& all = schema.settings;
  all.push_back(
      Setting("path", SettingType::string, "the directory, or the file, to watch").required());
  all.push_back(Setting("recursive", SettingType::boolean, "also watches all directories below it")
                    .by_default(false));
  all.push_back(Setting("ignore_regexes", SettingType::strings,
                        "regular expressions; paths that begin with a match of one, upper or "
                        "lower case, are not told of")
                    .by_default(Array())
                    .nullable());
  return schema;
}

}  // namespace
}  // namespace millrace::watchdog

MILLRACE_PLUGIN(watchdog_source, plugin) {
  plugin.source<millrace::watchdog::WatchdogSource>(
      "watchdog", "Tells what happens to files and directories.", millrace::watchdog::schema(),
      {"file_watch", "eda.builtin.file_watch", "ansible.eda.file_watch", "community.eda.file_watch",
       "community.eda.watchdog"});
}
