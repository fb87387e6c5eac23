// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/log.hpp"
#include "millrace/controller/controller.hpp"
#include "millrace/daemon/plugins.hpp"
#include "millrace/daemon/vault_options.hpp"
#include "millrace/event/value.hpp"
#include "millrace/pipeline/engine.hpp"
#include "millrace/pipeline/journal.hpp"
#include "millrace/pipeline/recorder.hpp"
#include "millrace/rules/rulebook.hpp"
#include "millrace/rules/session.hpp"

namespace millrace::daemon {

/// The server that audits runs and hands out work.
struct AuditServer {
  std::string url;                 ///< empty: there is none
  std::string ssl_verify = "yes";  ///< yes, no, or a file of authorities
  std::string access_token = {};
  std::string refresh_token = {};
  std::string token_url = {};
  std::size_t most_waiting = 50;  ///< messages; then no event is read
  bool skip_actions = false;      ///< only statistics and ends are told
};

/// What the program's user asked for.
struct RunOptions {
  std::vector<std::string> rulebooks;  ///< files
  std::string variables_file;
  std::vector<std::string> environment_variables;
  std::string inventory;
  std::string project_tarball;  ///< an Ansible project, to be unpacked; empty: none
  VaultOptions vault;
  std::string configuration_file;  ///< empty: none
  PluginOptions plugins;
  controller::ControllerOptions controller;
  Duration shutdown_delay = std::chrono::seconds(60);
  std::optional<rules::ExecutionStrategy> execution_strategy;
  std::size_t concurrent_actions = 25;
  bool print_events = false;
  AuditServer audit;
  std::string id;       ///< of the activation, for the server
  bool worker = false;  ///< takes its rulebook from the server
  bool hot_reload = false;
  Duration heartbeat{};                                    ///< 0: none
  Duration longest_wait_for_room = std::chrono::hours(1);  ///< of back-pressure; then it gives up
  std::optional<Duration> longest_wait_for_actions;        ///< the same, if it is not the same
  Log::Options log;
  std::vector<std::string> warnings;  ///< about the command line; told once the log is open
  std::string stats_file;             ///< the closing summary as JSON; empty: none
  pipeline::RecordOptions record;     ///< of what goes into the rule sets
  pipeline::JournalOptions journal;   ///< without a folder: what the configuration says
  std::string persistence_id;         ///< names a journal in the folder of the user's state
  rules::SessionOptions session;      ///< bounds on what waits; the seed is drawn at random
  enum class Summary { none, standard_error };
  Summary summary = Summary::standard_error;
  /// A line on standard error that shows how the run goes on, where a terminal can show it.
  enum class Progress { none, terminal };
  Progress progress = Progress::terminal;
  /// How faults that keep the program from starting are told: with file, line and caret, or as the
  /// original's log lines.
  enum class Faults { rendered, logged };
  Faults faults = Faults::rendered;
};

/// The life of the engine, from reading what it is to do until it has ended. Returns the exit code:
/// 0 a normal end; 1 it could not start, or a source failed; 130, 143 after SIGINT, SIGTERM. A
/// second signal ends the process at once.
int run(const RunOptions& options);

/// The closing summary as JSON, with what was measured around the run.
Value to_value(const pipeline::Summary& summary, double seconds, std::size_t peak_rss_bytes);

/// The most memory that the process has had resident, in bytes.
std::size_t peak_rss_bytes();

}  // namespace millrace::daemon
