// SPDX-License-Identifier: Apache-2.0
// Which changes are told is that of Python's watchdog 2.2, which rulebooks were written for.
#include "watch_tree.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <filesystem>
#include <ranges>
#include <system_error>
#include <utility>

#include "millrace/base/text.hpp"

namespace millrace::watchdog {
namespace {

constexpr std::uint32_t kNames = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::uint32_t kContents = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE;
constexpr std::uint32_t kRootMask = kNames | kContents | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t kMask = kNames | kContents | IN_ONLYDIR | IN_DONT_FOLLOW;
constexpr std::uint32_t kRootGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;

// Bounds of one advance(), so that a stop does not wait and memory is not filled.
constexpr std::size_t kVisitsAtOnce = 256;
constexpr std::size_t kChangesAtOnce = 4096;

Kind kind_of(const InotifyEvent& event) {
  return (event.mask & IN_ISDIR) != 0 ? Kind::directory : Kind::file;
}

}  // namespace

WatchTree::WatchTree(Inotify& inotify, std::string root, Depth depth)
    : inotify_(inotify), depth_(depth), root_(std::make_unique<WatchedDirectory>()) {
  root_->name = std::move(root);
  visits_.push_back({.directory = root_.get(), .reason = Reason::start, .old_path = {}});
}

WatchTree::~WatchTree() = default;

void WatchTree::add(std::vector<Step> steps) {
  std::ranges::move(steps, std::back_inserter(steps_));
}

Result<WatchTree::Progress> WatchTree::advance() {
  progress_ = {};
  may_repeat_ = false;
  std::size_t visited = 0;
  while (!idle() && visited < kVisitsAtOnce && progress_.changes.size() < kChangesAtOnce) {
    if (visits_.empty()) {
      const auto step = std::move(steps_.front());
      steps_.pop_front();
      apply(step);
      continue;
    }
    const auto next = std::move(visits_.back());
    visits_.pop_back();
    ++visited;
    if (auto done = visit(next); !done) return done.error();
  }
  return std::move(progress_);
}

// ---------------------------------------------------------------------------------------- walks

bool WatchTree::is_comparison(Reason reason) {
  return reason == Reason::lost || reason == Reason::robbed;
}

Result<> WatchTree::visit(const Visit& visit) {
  auto& directory = *visit.directory;
  if (visit.reason == Reason::renamed) {
    if (!is_watched(directory))  // its names are told first
      visits_.push_back({.directory = &directory, .reason = Reason::lost, .old_path = {}});
    tell_renamed(visit);
    return {};
  }
  const auto watched = watch(directory, visit.reason);
  if (!watched) return watched.error();
  if (!*watched || (&directory == root_.get() && root_kind_ == Kind::file)) return {};
  const auto listing = list_directory(path_of(directory));
  if (!listing) {  // what has gone meanwhile will be told to have gone
    if (listing.error().code() != Errc::not_found)
      progress_.warnings.push_back(listing.error().message());
    return {};
  }
  if (is_comparison(visit.reason)) find_missing(directory, *listing);
  find_present(visit, *listing);
  return {};
}

// Whether it is watched. A directory below the root may have gone meanwhile, or be forbidden.
Result<bool> WatchTree::watch(WatchedDirectory& directory, Reason reason) {
  const bool is_root = &directory == root_.get();
  const auto path = path_of(directory);
  const auto watch = inotify_.add(path, is_root ? kRootMask : kMask);
  std::error_code ignored;
  if (watch) {
    if (is_root)
      root_kind_ = std::filesystem::is_directory(path, ignored) ? Kind::directory : Kind::file;
    return take_watch(directory, *watch, reason);
  }
  if (is_root && reason == Reason::start) return watch.error();
  if (is_root && watch.error().code() == Errc::not_found) {
    on_root_gone();
    return false;
  }
  if (watch.error().code() == Errc::permission_denied) {
    progress_.warnings.push_back(watch.error().message());
    return false;
  }
  if (!is_root && !is_directory(std::filesystem::symlink_status(path, ignored))) return false;
  return watch.error();
}

// Names lead elsewhere when they are looked at later: a directory may have been given the watch of
// the one that had its name afterwards, or before. As soon as that shows, it is looked at again.
bool WatchTree::take_watch(WatchedDirectory& directory, int watch, Reason reason) {
  auto* const other = find(watch);
  if (other == &directory) return true;
  if (other != nullptr && reason == Reason::robbed) return false;
  if (is_watched(directory)) by_watch_.erase(directory.watch);
  directory.watch = watch;
  by_watch_[watch] = &directory;
  if (other != nullptr)
    visits_.push_back({.directory = other, .reason = Reason::robbed, .old_path = {}});
  return true;
}

// What was known and is there no more; names that were missed already are forgotten now.
void WatchTree::find_missing(WatchedDirectory& directory, const Listing& listing) {
  std::map<std::string_view, Kind> present(listing.begin(), listing.end());
  std::erase_if(directory.entries,
                [](const auto& known) { return known.second.state == Entry::State::missed; });
  for (auto& [name, entry] : directory.entries) {
    const auto found = present.find(name);
    if (found != present.end() && found->second == entry.kind) continue;
    tell_in(directory, What::deleted, entry.kind, name);
    forget(entry);
    entry.state = Entry::State::missed;
  }
}

void WatchTree::find_present(const Visit& visit, const Listing& listing) {
  auto& directory = *visit.directory;
  std::vector<Visit> below;
  for (const auto& [name, kind] : listing) {
    const auto [at, inserted] = directory.entries.try_emplace(name);
    auto& entry = at->second;
    const bool told =
        entry.state == Entry::State::reported ||
        (!inserted && entry.state == Entry::State::found && is_comparison(visit.reason));
    if (!told) {
      const bool is_news = visit.reason != Reason::start;
      entry.kind = kind;
      entry.state = is_news ? Entry::State::reported : Entry::State::found;
      if (visit.reason == Reason::arrived) {
        tell(What::created, kind, join_path(path_of(directory), name));
      } else if (is_news) {
        tell_in(directory, What::created, kind, name);
      }
    }
    if (kind != Kind::directory || entry.kind != kind || depth_ == Depth::one_level) continue;
    auto reason = visit.reason;
    if (entry.directory == nullptr) {
      put(directory, name, {.kind = kind, .state = entry.state, .directory = nullptr});
      if (is_comparison(reason)) reason = Reason::created;
    }
    below.push_back({.directory = entry.directory.get(), .reason = reason, .old_path = {}});
  }
  visit_next(std::move(below));
}

void WatchTree::tell_renamed(const Visit& visit) {
  const auto path = path_of(*visit.directory);
  std::vector<Visit> below;
  for (const auto kind : {Kind::directory, Kind::file}) {
    for (const auto& [name, entry] : visit.directory->entries) {
      if (entry.kind != kind || entry.state == Entry::State::missed) continue;
      auto old_path = join_path(visit.old_path, name);
      tell(What::moved, kind, old_path, join_path(path, name));
      if (entry.directory == nullptr) continue;
      below.push_back({.directory = entry.directory.get(),
                       .reason = Reason::renamed,
                       .old_path = std::move(old_path)});
    }
  }
  visit_next(std::move(below));
}

void WatchTree::visit_next(std::vector<Visit> below) {
  std::ranges::move(std::views::reverse(below), std::back_inserter(visits_));
}

// --------------------------------------------------------------------------------------- events

void WatchTree::apply(const Step& step) {
  const auto& event = step.event;
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    on_overflow();
    return;
  }
  auto* const directory = find(event.watch);
  auto* const target = step.target ? find(step.target->watch) : nullptr;
  if (directory != nullptr && target != nullptr) {
    on_renamed(*directory, event.name, *target, step.target->name, kind_of(event));
  } else if (target != nullptr) {
    on_arrived(*target, step.target->name, kind_of(event));
  } else if (directory != nullptr && event.name.empty()) {
    apply_to_itself(*directory, event);
  } else if (directory != nullptr) {
    apply_to_name(*directory, event);
  }
}

// What a directory below the root tells of itself, the one that holds it tells too.
void WatchTree::apply_to_itself(const WatchedDirectory& directory, const InotifyEvent& event) {
  if (&directory != root_.get()) {
    if ((event.mask & IN_IGNORED) != 0) by_watch_.erase(event.watch);
    return;
  }
  if ((event.mask & kRootGone) != 0) {
    on_root_gone();
  } else if ((event.mask & IN_CLOSE_WRITE) != 0) {
    may_repeat_ = true;
    tell_parent_of(directory.name);
  } else if ((event.mask & (IN_MODIFY | IN_ATTRIB)) != 0) {
    tell(What::modified, root_kind_, directory.name);
  }
}

void WatchTree::apply_to_name(WatchedDirectory& directory, const InotifyEvent& event) {
  const auto kind = kind_of(event);
  if ((event.mask & IN_CREATE) != 0) {
    on_created(directory, event.name, kind);
  } else if ((event.mask & IN_MOVED_TO) != 0) {
    on_arrived(directory, event.name, kind);
  } else if ((event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
    on_gone(directory, event.name, kind);
  } else if ((event.mask & (IN_MODIFY | IN_ATTRIB)) != 0) {
    tell(What::modified, kind, join_path(path_of(directory), event.name));
  } else if ((event.mask & IN_CLOSE_WRITE) != 0) {
    may_repeat_ = true;  // the original tells of the closing in between, to nobody
    tell_parent_of(join_path(path_of(directory), event.name));
  }
}

void WatchTree::on_created(WatchedDirectory& directory, const std::string& name, Kind kind) {
  const auto known = directory.entries.find(name);
  if (known != directory.entries.end() && known->second.state == Entry::State::reported)
    return;  // by the walk
  auto& entry =
      put(directory, name, {.kind = kind, .state = Entry::State::reported, .directory = nullptr});
  tell_in(directory, What::created, kind, name);
  if (entry.directory != nullptr)
    visits_.push_back(
        {.directory = entry.directory.get(), .reason = Reason::created, .old_path = {}});
}

void WatchTree::on_arrived(WatchedDirectory& directory, const std::string& name, Kind kind) {
  auto& entry =
      put(directory, name, {.kind = kind, .state = Entry::State::reported, .directory = nullptr});
  tell_in(directory, What::created, kind, name);
  if (entry.directory != nullptr)
    visits_.push_back(
        {.directory = entry.directory.get(), .reason = Reason::arrived, .old_path = {}});
}

void WatchTree::on_gone(WatchedDirectory& directory, const std::string& name, Kind kind) {
  const auto known = directory.entries.find(name);
  if (known == directory.entries.end() || known->second.state != Entry::State::missed)
    tell_in(directory, What::deleted, kind, name);
  if (known == directory.entries.end()) return;
  forget(known->second);
  directory.entries.erase(known);
}

void WatchTree::on_renamed(WatchedDirectory& from, const std::string& name, WatchedDirectory& to,
                           const std::string& new_name, Kind kind) {
  auto moved = from.entries.extract(name);
  if (!moved.empty() && moved.mapped().state == Entry::State::missed) {
    // The walk after a loss has seen its outcome already.
    const auto known = to.entries.find(new_name);
    if (known == to.entries.end() || known->second.state != Entry::State::reported)
      on_arrived(to, new_name, kind);
    return;
  }
  auto old_path = join_path(path_of(from), name);
  const auto path = join_path(path_of(to), new_name);
  tell(What::moved, kind, old_path, path);
  tell_parent_of(old_path);
  tell_parent_of(path);
  Entry entry{.kind = kind, .state = Entry::State::reported, .directory = nullptr};
  if (!moved.empty()) entry.directory = std::move(moved.mapped().directory);
  const auto& put_there = put(to, new_name, std::move(entry));
  if (put_there.directory == nullptr) return;
  visits_.push_back({.directory = put_there.directory.get(),
                     .reason = Reason::renamed,
                     .old_path = std::move(old_path)});
}

void WatchTree::on_overflow() {
  progress_.warnings.push_back(
      fmt::format("the system has lost changes, because they came faster than they were taken: "
                  "what was created and deleted in {} is found out by looking; a longer queue "
                  "(sysctl fs.inotify.max_queued_events) loses less",
                  printable(root_->name)));
  visits_.push_back({.directory = root_.get(), .reason = Reason::lost, .old_path = {}});
}

void WatchTree::on_root_gone() {
  tell(What::deleted, root_kind_, root_->name);
  progress_.root_gone = true;
  visits_.clear();
  steps_.clear();
}

// ---------------------------------------------------------------------------------------- parts

WatchedDirectory* WatchTree::find(int watch) const {
  const auto found = by_watch_.find(watch);
  return found == by_watch_.end() ? nullptr : found->second;
}

bool WatchTree::is_watched(const WatchedDirectory& directory) const {
  return find(directory.watch) == &directory;
}

// Under that name, whatever had it before; with a directory of its own where one is needed.
Entry& WatchTree::put(WatchedDirectory& directory, const std::string& name, Entry entry) {
  auto& place = directory.entries[name];
  forget(place);
  place = std::move(entry);
  if (place.kind == Kind::directory && depth_ == Depth::whole_tree) {
    if (place.directory == nullptr) place.directory = std::make_unique<WatchedDirectory>();
    place.directory->name = name;
    place.directory->parent = &directory;
  }
  return place;
}

// Ends the watches of a directory and of all below it, unless they serve another one now.
void WatchTree::forget(Entry& entry) {
  const auto removed = std::move(entry.directory);
  if (removed == nullptr) return;
  std::vector<WatchedDirectory*> left{removed.get()};
  while (!left.empty()) {
    auto& directory = *left.back();
    left.pop_back();
    std::erase_if(visits_, [&](const Visit& visit) { return visit.directory == &directory; });
    if (is_watched(directory)) {
      inotify_.remove(directory.watch);
      by_watch_.erase(directory.watch);
    }
    for (auto& [name, below] : directory.entries) {
      if (below.directory != nullptr) left.push_back(below.directory.get());
    }
  }
}

// Equal changes in a row that nobody has taken yet are one, as in the original.
void WatchTree::tell(What what, Kind kind, const std::string& path, const std::string& target) {
  FileChange change{
      .what = what, .kind = kind, .path = valid_utf8(path), .target = valid_utf8(target)};
  auto& changes = progress_.changes;
  const bool repeated = !changes.empty() && changes.back() == change;
  if (!repeated || may_repeat_) changes.push_back(std::move(change));
  may_repeat_ = false;
}

void WatchTree::tell_in(const WatchedDirectory& directory, What what, Kind kind,
                        const std::string& name) {
  const auto path = join_path(path_of(directory), name);
  tell(what, kind, path);
  tell_parent_of(path);
}

// A relative root without a slash has no parent with a name.
void WatchTree::tell_parent_of(const std::string& path) {
  if (const auto parent = parent_path(path); !parent.empty())
    tell(What::modified, Kind::directory, parent);
}

}  // namespace millrace::watchdog
