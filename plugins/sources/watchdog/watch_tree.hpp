// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "file_change.hpp"
#include "millrace/base/result.hpp"
#include "millrace/loop/inotify.hpp"
#include "rename_pairing.hpp"
#include "watched_directory.hpp"

namespace millrace::watchdog {

/// Knows what lies in the watched path, and makes changes out of what the system tells of it.
///
/// A new directory is watched first and walked then: what the walk finds is told at once, and what
/// the system tells of the same names later is not told again. When the system has lost events, the
/// whole tree is walked and compared with what was known.
///
/// Touches the disk: used on the pool, one thread at a time.
class WatchTree {
 public:
  enum class Depth { one_level, whole_tree };
  struct Progress {
    std::vector<FileChange> changes;
    std::vector<std::string> warnings;
    bool root_gone = false;  ///< removed or moved away: nothing follows
  };

  /// `inotify` must outlive it. The first thing to do is to walk `root`.
  WatchTree(Inotify& inotify, std::string root, Depth depth);
  WatchTree(const WatchTree&) = delete;
  WatchTree& operator=(const WatchTree&) = delete;
  ~WatchTree();

  void add(std::vector<Step> steps);
  /// Whether there is nothing to do.
  bool idle() const { return visits_.empty() && steps_.empty(); }
  /// Does a bounded part of what is to be done. Errors: the root cannot be watched; io when the
  /// limit of watches is reached.
  Result<Progress> advance();
  std::size_t watches() const { return by_watch_.size(); }

 private:
  enum class Reason {
    start,    ///< what is there is no news
    created,  ///< all is new, and changes the directory
    arrived,  ///< all is new; it was moved here
    renamed,  ///< only its path is new
    lost,     ///< to be compared with what was known
    robbed,   ///< as lost: its watch was that of another directory
  };
  struct Visit {
    WatchedDirectory* directory = nullptr;
    Reason reason = Reason::start;
    std::string old_path;  ///< of a renamed one
  };

  static bool is_comparison(Reason reason);
  Result<> visit(const Visit& visit);
  Result<bool> watch(WatchedDirectory& directory, Reason reason);
  bool take_watch(WatchedDirectory& directory, int watch, Reason reason);
  void find_missing(WatchedDirectory& directory, const Listing& listing);
  void find_present(const Visit& visit, const Listing& listing);
  void tell_renamed(const Visit& visit);
  void visit_next(std::vector<Visit> below);

  void apply(const Step& step);
  void apply_to_itself(const WatchedDirectory& directory, const InotifyEvent& event);
  void apply_to_name(WatchedDirectory& directory, const InotifyEvent& event);
  void on_created(WatchedDirectory& directory, const std::string& name, Kind kind);
  void on_arrived(WatchedDirectory& directory, const std::string& name, Kind kind);
  void on_gone(WatchedDirectory& directory, const std::string& name, Kind kind);
  void on_renamed(WatchedDirectory& from, const std::string& name, WatchedDirectory& to,
                  const std::string& new_name, Kind kind);
  void on_overflow();
  void on_root_gone();

  WatchedDirectory* find(int watch) const;
  bool is_watched(const WatchedDirectory& directory) const;
  Entry& put(WatchedDirectory& directory, const std::string& name, Entry entry);
  void forget(Entry& entry);
  void tell(What what, Kind kind, const std::string& path, const std::string& target = {});
  void tell_in(const WatchedDirectory& directory, What what, Kind kind, const std::string& name);
  void tell_parent_of(const std::string& path);

  Inotify& inotify_;
  const Depth depth_;
  const std::unique_ptr<WatchedDirectory> root_;
  Kind root_kind_ = Kind::directory;
  std::unordered_map<int, WatchedDirectory*> by_watch_;
  std::vector<Visit> visits_;  ///< the last one is next; all come before the next step
  std::deque<Step> steps_;
  Progress progress_;
  bool may_repeat_ = false;  ///< whether a change like the one before it is told
};

}  // namespace millrace::watchdog
