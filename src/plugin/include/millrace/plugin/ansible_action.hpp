// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "millrace/ansible/playbook.hpp"
#include "millrace/base/uuid.hpp"
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

/// An action that runs a playbook: what all of them have in common. Tells the audit of the `Job`
/// and each `AnsibleEvent`.
class AnsibleAction : public Action {
 public:
  /// set_facts, post_events, ruleset, var_root, verbosity, json_mode, retry, retries, delay,
  /// extra_vars, lock.
  static std::vector<Setting> common_settings();

  Task<Result<>> run(const Settings& settings, ActionContext& context) final;

 protected:
  struct Work {
    std::string name;                  ///< as messages and the audit have it
    ansible::PlaybookOptions options;  ///< which playbook; the rest is filled in
  };
  virtual Result<Work> choose(const Settings& settings, const ActionContext& context,
                              const HandedOn& match) = 0;
  /// What of the playbook's artifacts is given back; nothing: none of it.
  virtual std::optional<Object> choose_artifacts(Object artifacts) = 0;
  virtual std::string_view banner() const = 0;

 private:
  Task<Result<ansible::PlaybookOutcome>> run_playbook(Work work, const std::string& job_id,
                                                      const Settings& settings,
                                                      const ActionContext& context);
  UuidGenerator uuids_;
};

}  // namespace millrace
