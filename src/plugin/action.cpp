// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/action.hpp"

namespace millrace {

Object ActionContext::audit_fields() const {
  return {{"action", action},
          {"action_uuid", id},
          {"ruleset", rule_set},
          {"ruleset_uuid", rule_set_id},
          {"rule", rule},
          {"rule_uuid", rule_id},
          {"rule_run_at", to_iso8601(run_at)}};
}

Object ActionContext::template_variables() const {
  Object all = engine.variables();
  const bool single = bindings.size() == 1 && bindings.front().first == "m";
  if (bindings.empty()) {
    all["event"] = Object();
  } else if (single) {
    all["event"] = bindings.front().second->value();
  } else {
    Object events;
    for (const auto& [name, document] : bindings) events[name] = document->value();
    all["events"] = std::move(events);
  }
  return all;
}

}  // namespace millrace
