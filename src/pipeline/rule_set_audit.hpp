// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "millrace/event/value.hpp"
#include "millrace/plugin/action.hpp"
#include "millrace/rules/rulebook.hpp"
#include "millrace/rules/session.hpp"

namespace millrace::pipeline {

/// Why a rule set ends, as its `Shutdown` message tells it.
struct Ending {
  std::string message;
  Duration delay{};
  std::string source_plugin;  ///< whose end was the reason; empty: another reason
  std::string kind = "graceful";
};

/// What a rule set's statistics are made of, apart from what its session knows.
struct RuleSetCounts {
  std::uint64_t number = 0;  ///< of the session, in order of creation
  WallTime start;
  std::uint64_t clock_advances = 0;
  std::uint64_t fired = 0;
  std::optional<std::size_t> last_rule;  ///< into RuleSet::rules
  std::optional<WallTime> last_fired_at;
  std::optional<WallTime> last_event_at;
  std::size_t memory_at_start = 0;  ///< bytes
};

/// The `Action` message. `settings`: checked; nullptr if they could not be had.
Object action_message(const ActionContext& context, const Settings* settings, WallTime run_at,
                      const Result<>& ran);
/// The `stats` of a `SessionStats` message.
Object session_statistics(const rules::RuleSet& rules, const rules::Session& session,
                          const RuleSetCounts& counts, WallTime now);
Object session_statistics_message(Object statistics, WallTime now);
Object shutdown_message(const Ending& ending);

/// What the process has resident, in bytes.
std::size_t resident_bytes();

}  // namespace millrace::pipeline
