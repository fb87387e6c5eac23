// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "journal/rule_set_journal.hpp"
#include "locks.hpp"
#include "millrace/base/uuid.hpp"
#include "millrace/event/event_reader.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/pipeline/engine.hpp"
#include "millrace/pipeline/template.hpp"
#include "millrace/plugin/action.hpp"
#include "millrace/rules/session.hpp"
#include "rule_set_audit.hpp"
#include "rule_set_recorder.hpp"
#include "settlement.hpp"
#include "source_runner.hpp"

namespace millrace::pipeline {

/// An action of a rule, ready to be called.
struct RuleAction {
  std::string name;
  const ActionDescriptor* descriptor = nullptr;
  std::unique_ptr<Action> action;
  ValueTemplate arguments;
  std::optional<Settings> constant;  ///< checked arguments, when nothing in them is rendered
};

/// One rule set at work: reads its inbox, matches, and runs the actions of what fired. Loop thread
/// only.
class RuleSetRunner {
 public:
  struct Environment {
    EngineServices& services;
    MainLoop& loop;
    BlockingPool& pool;
    Log& log;
    Output& output;
    const EngineOptions& options;
    UuidGenerator& uuids;
    std::uint64_t number = 0;         ///< of this rule set, in order of creation
    std::size_t memory_at_start = 0;  ///< bytes
    std::function<void(const std::string& why)> give_up;  ///< ends the run
  };

  RuleSetRunner(const rules::RuleSet& rules, std::unique_ptr<rules::Session> session,
                std::vector<std::vector<RuleAction>> actions, Environment environment);

  const rules::RuleSet& rules() const { return rules_; }
  Inbox& inbox() { return inbox_; }

  /// With a journal: takes up what an earlier run has left. Before run(). Errors: corrupt.
  Result<> recover();
  /// Then, before run(), when no other of its name is at work any more.
  void join_journal() {
    if (journal_) journal_->join();
  }

  /// Runs until the intake is closed, what was taken is read, and what fired is acted upon.
  Task<> run();

  /// No more events: what is in the inbox is still read.
  void close_intake() { inbox_.close(); }
  /// No more events, and what is unread stays unread, unsettled.
  void stop_intake();
  /// There may be room again for what waits to be told.
  void look_for_room() { plan_has_room_.notify_all(); }
  /// How long actions may go on once nothing is left to read.
  void set_deadline(Duration delay) { deadline_ = delay; }
  /// Drops the firings that wait and stops the actions that run.
  void cancel_actions();

  /// Logs and counts an event that will not be read.
  void refuse(const Origin& origin, std::uint64_t position, const Error& error);

  void insert_fact(Object fact);
  /// Errors: unavailable when too many firings wait already.
  Result<> insert_event(Object event);
  void retract(const Object& pattern, rules::Session::Retract how);
  std::vector<DocumentPtr> facts() const { return session_->working_memory(); }

  void add_to(Summary& summary) const;
  void add_to(Progress& progress) const;

 private:
  struct Firing {
    rules::Activation activation;
    SettlementPtr settlement;  // empty for what actions caused, and with a journal
    WallTime at;
    FiringId id = {};             // with a journal
    std::size_t next_action = 0;  // those before were run by an earlier run
  };

  Task<> read_inbox();
  Task<> read_batch(InboxBatch entry);
  Task<> catch_up_recording();
  Task<bool> wait_for_journal();
  void advance_to_now();
  Instant now() const;
  Task<bool> act_on_fired(SettlementPtr settlement);
  Task<bool> wait_for_room();
  bool audit_is_full() const;
  void check_patience(Instant since);
  void print_event(const DocumentPtr& event);
  void plan(const SettlementPtr& settlement);
  void tell_notices();
  void set_timer();
  void on_timer();
  void drop_timer();

  Task<> run_plan();
  Task<> run_firing(Firing firing);
  Task<Result<>> run_action(const Firing& firing, RuleAction& action);
  Task<Result<>> render(const Firing& firing, const RuleAction& action,
                        std::optional<Settings>& rendered);
  Task<Result<>> run_locked(const Settings& settings, RuleAction& action, ActionContext& context);
  void beat();
  void tell_statistics();
  void report_failure(const RuleAction& action, const Error& error);
  bool parallel() const;

  const rules::RuleSet& rules_;
  const std::unique_ptr<rules::Session> session_;
  const std::unique_ptr<RuleSetRecorder> recorder_;  // empty: nothing is recorded
  const std::unique_ptr<RuleSetJournal> journal_;    // empty: there is none
  std::vector<std::vector<RuleAction>> actions_;     // by rule
  const Environment environment_;
  const std::string log_name_;
  const std::string id_;
  std::vector<std::string> rule_ids_;
  Duration deadline_;

  EventReader reader_;
  Inbox inbox_;
  std::vector<rules::Activation> fired_;  // by the call at hand; kept for its capacity
  std::deque<Firing> plan_;
  Waiters planned_;
  Waiters plan_has_room_;
  std::optional<MainLoop::TimerId> timer_;  // wakes the session when a window ends
  Instant timer_at_;
  std::optional<MainLoop::TimerId> heartbeat_;
  bool reading_ended_ = false;
  bool intake_stopped_ = false;
  bool actions_cancelled_ = false;
  Locks locks_;
  TaskGroup tasks_;    // the plan
  TaskGroup firings_;  // in the parallel strategy

  std::uint64_t events_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t actions_ok_ = 0;
  std::uint64_t actions_failed_ = 0;
  std::vector<std::uint64_t> firings_by_rule_;
  RuleSetCounts counts_;
};

}  // namespace millrace::pipeline
