// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/log.hpp"
#include "millrace/pipeline/journal.hpp"
#include "millrace/rules/session.hpp"
#include "rule_set_recorder.hpp"

namespace millrace::pipeline {

/// Which firing: that of which input of the rule set, and which of those.
struct FiringId {
  std::uint64_t input = 0;
  std::uint64_t number = 0;
  friend auto operator<=>(const FiringId&, const FiringId&) = default;
};

/// One rule set's part of the journal: what goes into its session, what fires, and what becomes of
/// the actions. Loop thread only.
class RuleSetJournal {
 public:
  struct Unfinished {
    rules::Activation activation;
    std::size_t actions = 0;  ///< of the rule
    std::size_t done = 0;     ///< of these, the first so many
  };
  using AllUnfinished = std::map<FiringId, Unfinished>;

  /// All outlive it.
  RuleSetJournal(Journal& journal, const rules::RuleSet& rules, rules::Session& session, Log& log);
  RuleSetJournal(const RuleSetJournal&) = delete;
  RuleSetJournal& operator=(const RuleSetJournal&) = delete;
  ~RuleSetJournal();

  /// Gives the session, which is new, what it had, by way of `reader`, which is its own. What fires
  /// again and was not acted upon is unfinished(). Before Journal::begin(). Errors: corrupt.
  Result<> recover(EventReader& reader);
  /// From now on its state is part of the journal. One of its name at a time.
  void join();
  const AllUnfinished& unfinished() const { return unfinished_; }
  /// Of the last input that came before; times must not go back behind it.
  Instant last_input() const { return last_input_; }

  // The calls of the session, each noted after it, with what has fired by it, whose ids follow
  // `id_of_first`.

  void event(Instant now, const Event& event, const EventReader::Arrival& arrival,
             std::string_view uuid);
  void fact(Instant now, const Value& fact);
  void retract(Instant now, const Object& pattern, rules::Session::Retract how);
  void advance(Instant now);
  /// Of a firing of the last input, in their order: it will be acted upon.
  FiringId fired(const rules::Activation& activation);

  // What becomes of the actions of a firing, in their order.

  void action_started(FiringId id, std::size_t action);
  void action_ended(FiringId id, std::size_t action, bool succeeded);

  /// Calls `then` when all that was noted is safe.
  void when_safe(std::function<void()> then) { journal_.when_safe(std::move(then)); }
  Journal& journal() { return journal_; }

 private:
  void begin_input(Instant now);
  Result<> recover_line(std::string_view line, EventReader& reader);
  Result<> recover_state(const Value& state);
  Result<> recover_unfinished(const Value& value);
  Result<> recover_action(const Object& line);
  Result<> recover_input(std::string_view line, EventReader& reader);
  void note(FiringId id, std::size_t action, std::string_view status);
  void append_state(std::string& out) const;
  std::size_t actions_of(std::size_t rule) const { return rules_.rules[rule].actions.size(); }

  Journal& journal_;
  const rules::RuleSet& rules_;
  rules::Session& session_;
  Log& log_;
  const std::string own_line_;  ///< how those begin that are no inputs
  RuleSetRecorder inputs_;
  std::optional<std::uint64_t> number_;  ///< in the journal
  std::uint64_t input_ = 0;              ///< number of the last
  std::uint64_t firing_ = 0;             ///< how many of the last input's were told
  Instant last_input_{};
  AllUnfinished unfinished_;
};

}  // namespace millrace::pipeline
