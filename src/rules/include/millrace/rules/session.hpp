// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/diagnostic.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/event_reader.hpp"
#include "millrace/event/value.hpp"
#include "millrace/rules/rulebook.hpp"

namespace millrace::rules {

/// One firing of one rule.
struct Activation {
  std::size_t rule = 0;  ///< into RuleSet::rules
  Instant at;            ///< when it fired: the event's time, or the end of a window
  /// Binding names and events; empty for a rule that fired for the absence of something.
  std::vector<std::pair<std::string, DocumentPtr>> bindings;
};

struct SessionOptions {
  /// Bounds on what may wait. Beyond them new events fire rules still, but do not wait.
  std::size_t most_partial_matches = 20'000'000;
  std::size_t most_bytes = std::size_t{4} << 30;
  /// Keys the hashes of values from outside. Firings do not depend on it.
  std::uint64_t hash_seed = 0;
};

/// The running state of one rule set: its compiled conditions, its working memory, its windows.
/// Pure: what comes out is a function of the rules, of what was put in, and of the times given,
/// which never go back. One thread.
///
/// Every call lets the windows end that were over by its time, and then does what it says. It
/// appends what fired to `fired`: what time caused in the order of time, then the rest in the order
/// of the rules, of one rule the combinations of the oldest events first.
class Session {
 public:
  /// `rules` must outlive the session. Faults go to `diagnostics`; nullptr if there was an error.
  static std::unique_ptr<Session> create(const RuleSet& rules, Diagnostics& diagnostics,
                                         const SessionOptions& options = {});
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// The paths that the reader given to insert_event() must read, in this order.
  const std::vector<Path>& paths() const;

  /// The event that `reader` has read last. Its document is asked for only if it matches or is
  /// kept.
  void insert_event(EventReader& reader, Instant now, std::vector<Activation>& fired);
  /// A fact stays until it is retracted, if any condition could ever use it.
  void insert_fact(DocumentPtr fact, Instant now, std::vector<Activation>& fired);
  enum class Retract { partial, whole };
  /// Removes the facts and waiting events whose entries include all of `pattern` (partial), or
  /// whose entries but `meta` are all in `pattern` (whole).
  void retract(const Object& pattern, Retract how, Instant now, std::vector<Activation>& fired);
  /// Time has come to `now`.
  void advance(Instant now, std::vector<Activation>& fired);
  /// When advance() is wanted next, if ever: a window ends then, or a little later.
  std::optional<Instant> next_timer() const;

  struct Statistics {
    std::uint64_t processed = 0;    ///< events inserted; facts are not counted
    std::uint64_t matched = 0;      ///< events that took part in a firing, reported or not: one of
                                    ///< several events, once for each time; one that time caused
                                    ///< counts once
    std::uint64_t activations = 0;  ///< firings reported
    std::uint64_t dropped = 0;      ///< events that could not wait because a limit was reached
    std::int64_t suppressed() const {
      return static_cast<std::int64_t>(processed) - static_cast<std::int64_t>(matched);
    }
  };
  const Statistics& statistics() const;

  /// All that it holds, for restore(); an object. Statistics are not part of it.
  Value state() const;
  /// Puts back what state() told, into a session that is new; what was over by then ends at the
  /// next call. The rules may have been changed since: events and facts wait as what they are
  /// worth now; of a rule that remembers otherwise than it did, windows and groups are dropped.
  /// Errors: corrupt; the session cannot be used any more.
  struct Restored {
    std::vector<std::string> changed_rules;  ///< whose windows and groups were dropped
  };
  Result<Restored> restore(const Value& state);

  /// What working memory holds, oldest first.
  std::vector<DocumentPtr> working_memory() const;
  /// With an entry for each open window, as users of the original count them.
  std::size_t working_memory_size() const;
  /// Events and facts that wait, once for each condition, and groups of events with a window open.
  std::size_t partial_matches() const;
  /// What they take in memory, roughly.
  std::size_t state_bytes() const;

  /// What a rule remembers, for explaining it.
  struct Holding {
    struct Waiting {
      std::size_t events = 0;
      DocumentPtr newest;
    };
    struct Group {
      Array values;  ///< of the throttle's attributes; empty for an event that lacks one
      std::uint64_t events = 0;
      Instant end;
    };
    std::vector<Waiting> conditions;    ///< of a rule that wants several events, for each
    std::optional<Instant> window_end;  ///< of an open not_all or once_after
    std::vector<Group> groups;          ///< of a throttle, some of them
    std::size_t group_count = 0;        ///< all of them
    /// Tests between events that fail for the newest of each condition, when events wait as all.
    struct Unmet {
      std::size_t condition = 0;
      const Expression* test = nullptr;
    };
    std::vector<Unmet> unmet;
  };
  Holding holding(std::size_t rule) const;

  /// Tests that could not compare their operands or were given up; each told once.
  struct Notice {
    std::string text;
    bool is_error = false;
  };
  std::vector<Notice> take_notices();

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::rules
