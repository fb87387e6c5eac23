// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/diagnostic.hpp"
#include "millrace/event/event_reader.hpp"
#include "millrace/event/value.hpp"
#include "millrace/rules/rulebook.hpp"

namespace millrace::rules {

/// One firing of one rule.
struct Activation {
  std::size_t rule = 0;  ///< into RuleSet::rules
  /// Binding names and events; empty for a rule that fired for the absence of something.
  std::vector<std::pair<std::string, DocumentPtr>> bindings;
};

/// The running state of one rule set: its compiled conditions and its working memory. Pure: what
/// comes out is a function of the rules, of what was put in, and of the times given. One thread.
///
/// Every call appends what fired to `fired`, in the order of the rules.
class Session {
 public:
  /// `rules` must outlive the session. Faults, such as features of rules that this version does not
  /// run, go to `diagnostics`; nullptr if there was an error.
  static std::unique_ptr<Session> create(const RuleSet& rules, Diagnostics& diagnostics);
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
  /// Time has come to `now`: what has waited too long leaves.
  void advance(Instant now, std::vector<Activation>& fired);

  struct Statistics {
    std::uint64_t processed = 0;    ///< events inserted; facts are not counted
    std::uint64_t matched = 0;      ///< those of them that took part in a firing, reported or not
    std::uint64_t activations = 0;  ///< firings reported
    std::int64_t suppressed() const {
      return static_cast<std::int64_t>(processed) - static_cast<std::int64_t>(matched);
    }
  };
  const Statistics& statistics() const;

  /// What working memory holds, oldest first.
  std::vector<DocumentPtr> working_memory() const;
  std::size_t working_memory_size() const;

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
