// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/log.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/blocking_pool.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"
#include "millrace/plugin/audit.hpp"
#include "millrace/plugin/output.hpp"
#include "millrace/plugin/settings.hpp"

namespace millrace {

struct ShutdownRequest {
  enum class Kind { graceful, now };
  Kind kind = Kind::graceful;
  Duration delay{};  ///< how long running and queued actions may go on
  std::string message;
  std::string rule_set;  ///< whose rule asked
  std::string rule;
};

class JobController;

/// The engine as actions see it: what they may change.
class EngineServices {
 public:
  virtual ~EngineServices() = default;
  /// Errors of all three: not_found ("Ruleset x not found").
  virtual Result<> set_fact(std::string_view rule_set, Object fact) = 0;
  virtual Result<> post_event(std::string_view rule_set, Object event) = 0;
  /// `partial`: the given entries are among the fact's; otherwise the fact's entries (but meta) are
  /// all among the given.
  enum class Retract { partial, whole };
  virtual Result<> retract_fact(std::string_view rule_set, const Object& fact, Retract how) = 0;
  /// What the rule set's working memory holds, facts and waiting events, oldest first.
  virtual std::vector<DocumentPtr> facts(std::string_view rule_set) const = 0;
  virtual void shut_down(ShutdownRequest request) = 0;
  virtual Duration default_shutdown_delay() const = 0;
  /// Where job templates run; nullptr: no controller was named.
  virtual JobController* job_controller() const = 0;
  /// Standard output has lost its reader: nobody sees results any more.
  virtual void output_closed() = 0;
  virtual const Object& variables() const = 0;
  virtual const std::string& inventory() const = 0;
  /// Folder of an Ansible project that playbooks are looked for in; empty: there is none.
  virtual const std::string& project() const = 0;
  /// Whether the user wants to see what goes into the rule sets.
  virtual bool print_events() const = 0;

 protected:
  EngineServices() = default;
  EngineServices(const EngineServices&) = default;
  EngineServices& operator=(const EngineServices&) = default;
};

/// Who calls an action, and with what. Lives as long as the action's task.
struct ActionContext {
  std::string_view action;  ///< the name by which the rulebook calls it
  std::string_view rule_set;
  std::string_view rule_set_id;  ///< uuid
  std::string_view rule;
  std::string_view rule_id;  ///< uuid
  std::string id;            ///< uuid of this call
  WallTime run_at;           ///< when the rule fired
  const std::vector<std::string>& hosts;
  /// The events of the match by binding: m, m_0…, or aliases. Empty for a match without an event.
  const std::vector<std::pair<std::string, DocumentPtr>>& bindings;
  EngineServices& engine;
  Output& output;
  MainLoop& loop;
  BlockingPool& pool;
  Log& log;
  /// Told of what happens within the action (a `Job`, an `AnsibleEvent`…); nullptr: nobody asks.
  AuditSink* audit = nullptr;
  /// What the action wants said of itself when it has ended, whatever came of it: `job_id`, `rc`…
  /// With a `status` (successful, failed) it is told as what the action did; an error without one
  /// is told as what kept the action from it.
  Object outcome = {};

  /// The entries that every message of the audit begins with: action, rule set, rule, their ids.
  Object audit_fields() const;
  /// What templates see: the variables, and `event` (one binding m; {} for the empty match) or
  /// `events`.
  Object template_variables() const;
};

/// Does one thing when a rule fires. One instance serves one entry of one rule and is called again
/// and again, one call after the other in `sequential` rule sets, overlapping in `parallel` ones;
/// loop thread only.
class Action {
 public:
  Action() = default;
  Action(const Action&) = delete;
  Action& operator=(const Action&) = delete;
  virtual ~Action() = default;

  /// `settings` are rendered and checked, and outlive the task. An error is logged and counted; the
  /// rule's next actions still run. Cancellation: return Errc::cancelled.
  virtual Task<Result<>> run(const Settings& settings, ActionContext& context) = 0;
};

}  // namespace millrace
