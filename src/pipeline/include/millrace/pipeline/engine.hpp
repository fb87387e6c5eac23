// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/ansible/vault.hpp"
#include "millrace/base/diagnostic.hpp"
#include "millrace/base/log.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/blocking_pool.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/plugin/audit.hpp"
#include "millrace/plugin/output.hpp"
#include "millrace/plugin/registry.hpp"
#include "millrace/plugin/source_status.hpp"
#include "millrace/plugin/template_host.hpp"
#include "millrace/rules/rulebook.hpp"
#include "millrace/rules/session.hpp"

namespace millrace {
class JobController;
}

namespace millrace::pipeline {

class Journal;
class Recorder;

struct EngineOptions {
  Object variables;  ///< for templates
  std::string inventory;
  std::string project;  ///< folder of an Ansible project; empty: none
  Duration shutdown_delay = std::chrono::seconds(60);  ///< how long actions may go on at the end
  std::optional<rules::ExecutionStrategy> execution_strategy;  ///< of rule sets that do not say
  bool print_events = false;                                   ///< a banner for each event received
  JsonLimits limits;
  std::size_t inbox_events =
      8192;  ///< events of a rule set that wait to be read; then emit() waits
  std::size_t pending_activations =
      10;  ///< firings of a rule set that wait to be acted upon; then no event is read
  std::size_t concurrent_actions = 25;  ///< of a rule set with the parallel strategy
  rules::SessionOptions session;
  ansible::Vault* vault = nullptr;      ///< decrypts texts of settings; outlives the engine
  TemplateHost* templates = nullptr;    ///< for more than plain paths; outlives the engine
  std::filesystem::path source_memory;  ///< folder of what sources remember; empty: nothing lasts
  Journal* journal = nullptr;           ///< open, and outlives the engine
  JobController* job_controller = nullptr;  ///< of actions that need one; outlives the engine
  Recorder* recorder = nullptr;  ///< of what goes into the rule sets; open, and outlives the engine
  AuditSink* audit = nullptr;    ///< who is told of what happens; outlives the engine
  bool audit_actions = true;     ///< or only of statistics and ends
  Duration heartbeat{};  ///< how often each rule set tells its statistics, to `audit` or the log;
                         ///< 0: never
  /// How long reading may wait for room: for audit messages to be sent; for one of the concurrent
  /// actions to end. Then the run is given up.
  Duration longest_audit_wait = std::chrono::hours(1);
  Duration longest_action_wait = std::chrono::hours(1);
};

/// What a run did.
struct Summary {
  struct RuleSet {
    std::string name;
    std::vector<std::pair<std::string, std::uint64_t>>
        firings;  ///< by rule, in order; enabled rules
  };
  std::uint64_t events = 0;           ///< read, refused ones apart
  std::uint64_t matched = 0;          ///< events that took part in a firing
  std::uint64_t dropped = 0;          ///< events that could not wait because a limit was reached
  std::uint64_t partial_matches = 0;  ///< that waited at the end
  std::uint64_t state_bytes = 0;      ///< that they took, roughly
  std::uint64_t refused = 0;  ///< not JSON objects within the limits, or refused by a filter
  std::uint64_t actions_ok = 0;
  std::uint64_t actions_failed = 0;
  std::vector<RuleSet> rule_sets;
  struct Record {
    std::uint64_t inputs = 0;
    std::uint64_t bytes = 0;
    bool failed = false;  ///< it ended before the run did
  };
  std::optional<Record> record;  ///< if there is one
  struct Journal {
    std::uint64_t inputs = 0;
    std::uint64_t commits = 0;
    std::uint64_t bytes = 0;  ///< written, of all files
  };
  std::optional<Journal> journal;  ///< if there is one
  struct Source {
    std::string rule_set;
    std::string name;
    SourceStatus status;
  };
  std::vector<Source> sources;
};

/// How far a run is.
struct Progress {
  std::uint64_t events = 0;             ///< as in Summary
  std::uint64_t fired = 0;              ///< firings
  std::uint64_t waiting = 0;            ///< firings that wait to be acted upon
  std::optional<double> fraction_read;  ///< of the source that will end first, if one knows
};

/// Runs rulebooks: sources, filters, rule sets, actions. Loop thread only.
///
/// An event that a source emits waits in the inbox of its rule set (emit() waits while that is
/// full), is read and matched, and settled when the actions that it caused have ended. The first
/// source that ends, ends the run: what was emitted is read, what fired is acted upon, for at most
/// the shutdown delay once nothing is left to read.
class Engine {
 public:
  /// Everything given must outlive the engine. Names that the registry does not know, settings
  /// that do not fit and templates that are wrong go to `diagnostics`; nullptr if there was an
  /// error. Runs the loop while the host compiles templates.
  static std::unique_ptr<Engine> create(std::vector<rules::Rulebook> rulebooks,
                                        const Registry& registry, MainLoop& loop,
                                        BlockingPool& pool, Log& log, Output& output,
                                        EngineOptions options, Diagnostics& diagnostics);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  /// Starts the sources and ends when every rule set has ended. Call once.
  Task<> run();

  /// Asks for an orderly end: sources stop, what is unread is left unsettled, actions have the
  /// shutdown delay. `now`: none.
  enum class Stop { graceful, now };
  void stop(Stop how);

  /// The rule sets that did not change go on untouched, with facts, waiting events and timers. The
  /// others, and those that are no longer there, end: their sources first, what was emitted is
  /// read, actions have the shutdown delay. Then the changed and the new ones begin.
  struct Replacement {
    std::vector<std::string> kept;
    std::vector<std::string> stopped;
    std::vector<std::string> started;
  };
  /// While it runs; one call at a time. Nothing, and nothing is done, if there is an error in
  /// `diagnostics`, or the run is ending.
  Task<std::optional<Replacement>> replace(std::vector<rules::Rulebook> rulebooks,
                                           Diagnostics& diagnostics);

  /// A source failed, standard output lost its reader, or something crashed: the program's exit
  /// code is 1.
  bool failed() const;
  bool source_failed() const;
  Summary summary() const;
  /// Cheap, for asking often.
  Progress progress() const;

 private:
  class Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The checks of create() alone: names and settings against the registry.
void check_extensions(const rules::Rulebook& rulebook, const Registry& registry,
                      Diagnostics& diagnostics);

/// Tells of actions that need an inventory where there is none.
void check_inventory(const rules::Rulebook& rulebook, const std::string& inventory,
                     Diagnostics& diagnostics);

}  // namespace millrace::pipeline
