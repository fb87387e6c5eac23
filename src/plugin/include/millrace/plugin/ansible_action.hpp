// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/ansible/playbook.hpp"
#include "millrace/base/uuid.hpp"
#include "millrace/plugin/action.hpp"
#include "millrace/plugin/hand_on.hpp"
#include "millrace/plugin/settings.hpp"

namespace millrace {

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
