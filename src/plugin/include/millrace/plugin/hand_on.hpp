// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/base/uuid.hpp"
#include "millrace/event/value.hpp"
#include "millrace/plugin/action.hpp"
#include "millrace/plugin/settings.hpp"

namespace millrace {

/// A match as it is handed on to whatever works on hosts.
struct HandedOn {
  std::vector<std::string> hosts;  ///< `meta.hosts` of the events, otherwise those of the rule set
  Object ansible_eda;              ///< {ruleset, rule, event | events}, after `var_root`
  Object matching_events;          ///< by binding, after `var_root`

  std::string limit() const;  ///< the hosts, joined by commas
};

/// Errors: invalid_settings of `var_root`; invalid_event for a `meta.hosts` that is no name or list
/// of names, or that would make Ansible read a file (`@…`).
Result<HandedOn> hand_on(const ActionContext& context, const Value& var_root);

/// What came of a run goes into a rule set, as the settings `set_facts`, `post_events` and
/// `ruleset` say; with a banner of this name if the user wants to see what goes in. Errors:
/// not_found for an unknown rule set, those of Output.
Result<> give_back(const Object& artifacts, const Settings& settings, const ActionContext& context,
                   std::string_view banner, UuidGenerator& uuids);

}  // namespace millrace
