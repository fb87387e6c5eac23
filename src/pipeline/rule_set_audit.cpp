// SPDX-License-Identifier: Apache-2.0
#include "rule_set_audit.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/plugin/var_root.hpp"

namespace millrace::pipeline {
namespace {

// Of /proc/self/status, in bytes.
std::size_t field(const Result<std::string>& status, std::string_view name) {
  const auto at = status ? status->find(name) : std::string::npos;
  if (at == std::string::npos) return 0;
  return std::strtoull(status->c_str() + at + name.size(), nullptr, 10) * 1024;
}

std::size_t installed_bytes() {
  const auto pages = ::sysconf(_SC_PHYS_PAGES);
  const auto size = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(size)
                               : 0;
}

Value to_text(const std::optional<WallTime>& time) {
  if (!time) return nullptr;
  return Value(to_iso8601(*time));
}

// An action that says which part of the events it means, means that part here too.
Object matching_events(const ActionContext& context, const Settings* settings) {
  static const Value kWhole;
  const auto* var_root = settings != nullptr ? settings->all().if_contains("var_root") : nullptr;
  auto seen = matched_value(context.bindings, var_root != nullptr ? *var_root : kWhole);
  if (seen && is_single_match(context.bindings)) return {{"m", std::move(*seen)}};
  if (seen && seen->is_object()) return std::move(seen->get_object());
  Object whole;
  for (const auto& [name, document] : context.bindings) whole[name] = document->value();
  return whole;
}

}  // namespace

Object action_message(const ActionContext& context, const Settings* settings, WallTime run_at,
                      const Result<>& ran) {
  Object message{{"type", "Action"}};
  for (const auto& [key, value] : context.audit_fields()) message[key] = value;
  if (context.action == "none") message["action"] = "noop";
  message["run_at"] = to_iso8601(run_at);
  message["status"] = ran ? "successful" : "failed";
  const bool is_told = ran || context.outcome.contains("status");
  if (is_told) {
    message["matching_events"] = matching_events(context, settings);
  } else {
    message["message"] = ran.error().message();
  }
  for (const auto& [key, value] : context.outcome) message[key] = value;
  return message;
}

Object session_statistics(const rules::RuleSet& rules, const rules::Session& session,
                          const RuleSetCounts& counts, WallTime now) {
  const auto& done = session.statistics();
  const auto enabled = static_cast<std::uint64_t>(
      std::ranges::count_if(rules.rules, [](const rules::Rule& rule) { return rule.enabled; }));
  const auto status = read_file("/proc/self/status");
  return {{"start", to_iso8601(counts.start)},
          {"end", to_iso8601(now)},
          {"lastClockTime", to_iso8601(now)},
          {"clockAdvanceCount", counts.clock_advances},
          {"numberOfRules", enabled},
          {"numberOfDisabledRules", rules.rules.size() - enabled},
          {"rulesTriggered", counts.fired},
          {"eventsProcessed", done.processed},
          {"eventsMatched", done.matched},
          {"eventsSuppressed", done.suppressed()},
          {"permanentStorageCount", session.working_memory_size()},
          {"permanentStorageSize", session.state_bytes()},
          {"asyncResponses", 0},
          {"bytesSentOnAsync", 0},
          {"sessionId", counts.number},
          {"ruleSetName", rules.name},
          {"lastRuleFired", counts.last_rule ? rules.rules[*counts.last_rule].name : ""},
          {"lastRuleFiredAt", to_text(counts.last_fired_at)},
          {"lastEventReceivedAt", to_text(counts.last_event_at)},
          {"baseLevelMemory", counts.memory_at_start},
          {"peakMemory", field(status, "VmHWM:")},
          {"usedMemory", field(status, "VmRSS:")},
          {"maxAvailableMemory", installed_bytes()}};
}

Object session_statistics_message(Object statistics, WallTime now) {
  return {
      {"type", "SessionStats"}, {"stats", std::move(statistics)}, {"reported_at", to_iso8601(now)}};
}

Object shutdown_message(const Ending& ending) {
  return {{"type", "Shutdown"},
          {"message", ending.message},
          {"delay", std::chrono::duration<double>(ending.delay).count()},
          {"source_plugin", ending.source_plugin},
          {"kind", ending.kind}};
}

std::size_t resident_bytes() { return field(read_file("/proc/self/status"), "VmRSS:"); }

}  // namespace millrace::pipeline
